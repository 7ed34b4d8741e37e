"""`python -m zonetag_flash`, which is what `flash.sh` runs."""

import sys

from zonetag_flash.cli import main

sys.exit(main())
