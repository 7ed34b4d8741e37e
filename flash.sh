#!/usr/bin/env bash
# Makes a tag of a bare ESP32 board: ./flash.sh --help tells how.  Needs Python 3.11 or later and nothing else.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
VENV=${VENV:-$here/.venv}
export VENV
"$here/scripts/setup" flash >&2
exec "$VENV/bin/python" -m zonetag_flash "$@"
