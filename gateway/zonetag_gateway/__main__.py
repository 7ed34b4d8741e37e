"""`python -m zonetag_gateway` is the command `zonetag-gateway`."""

import sys

from zonetag_gateway.cli import main

sys.exit(main())
