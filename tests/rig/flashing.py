"""The program behind flash.sh, run in this process: to start one takes most of a second, and many tests want one."""

import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from zonetag_flash.cli import main


@dataclass(frozen=True, slots=True)
class Said:
    """How a run ended."""

    code: int
    out: str
    # standard output
    err: str
    # standard error


def flash(folder: Path, *args: str, types: str = "", out: str = "tags") -> Said:
    """Run it in a folder, with `types` on its standard input; tags go to `out`."""
    words = [*args, "--out", out, "--data", "data"]
    if "--listen" not in args:
        words += ["--listen", "0.3"]
    keyboard, sys.stdin = sys.stdin, StringIO(types)
    with chdir(folder), redirect_stdout(StringIO()) as said, redirect_stderr(StringIO()) as told:
        try:
            code = main(words)
        except SystemExit as ended:  # wrong usage
            code = int(ended.code or 0)
        finally:
            sys.stdin = keyboard
    return Said(code, said.getvalue(), told.getvalue())
