"""The command `zonetag`.

Each command is a module of this package with `register(subparsers)`, which adds its parser and sets `run=`, a function
of the parsed arguments that returns the exit code.  Only the module of the command that was asked for is imported, so
that `zonetag frame` needs nothing of the server's.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version

from zonetag_backend.errors import BackendError

# Command -> module of this package.
COMMANDS = {
    "account": "account",
    "audit": "audit",
    "backup": "backup",
    "battery": "battery",
    "broker": "broker",
    "ca": "ca",
    "case": "case",
    "demo": "demo",
    "door": "door",
    "frame": "frame",
    "gateway": "gateway",
    "key": "key",
    "person": "person",
    "place": "place",
    "report": "report",
    "restore": "restore",
    "retention": "retention",
    "serve": "serve",
    "site": "site",
    "tag": "tag",
    "tap": "tap",
    "trace": "tracing",
}
# What a shell says of a program that ended so.
PIPE_CLOSED = 128 + signal.SIGPIPE
INTERRUPTED = 128 + signal.SIGINT


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code (1 or 2, with a message, when it cannot be done or the arguments cannot be)."""
    args = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="zonetag", description="Tags, the places that hear them, and their book.")
    parser.add_argument("--version", action="version", version=f"zonetag {version('zonetag')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    asked = args[0] if args and args[0] in COMMANDS else None
    modules = [COMMANDS[asked]] if asked else dict.fromkeys(COMMANDS.values())
    for module in modules:
        import_module(f"{__name__}.{module}").register(commands)
    arguments = parser.parse_args(args)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has had enough, as in `... | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more at its end
        return PIPE_CLOSED
    except BackendError as error:
        print(f"zonetag: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before, or after, a command's own way of stopping holds
        return INTERRUPTED
    return code
