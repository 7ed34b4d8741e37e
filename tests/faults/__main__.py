"""`make faults`: every fault, its control, and one table (or, with --json, one array) of what became of the windows."""

import argparse
import json
import random
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from faults.catalogue import FAULTS
from faults.engine import Fault, Row, play

COLUMNS = ("fault", "times", "acknowledged", "stored", "lost", "double", "control_failed")


def main() -> int:
    """0 only if nothing was lost, nothing double, nothing left out, and every control has failed."""
    args = _parser().parse_args()
    chosen = [fault for fault in FAULTS if not args.only or fault.name in args.only]
    seed = random.randrange(1 << 32) if args.seed is None else args.seed
    print(f"seed {seed}", file=sys.stderr)
    rows: list[Row] = []
    left_out = 0
    for fault in chosen:
        why = fault.needs()
        if why:
            print(f"{fault.name}: left out: {why}", file=sys.stderr)
            left_out += 1
            continue
        rows.append(_play(fault, args.times or (fault.short if args.short else fault.long), seed, args.keep))
    if args.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        _table(rows)
    return 0 if rows and not left_out and all(row.good for row in rows) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make faults ARGS=...", description=__doc__)
    parser.add_argument("--short", action="store_true", help="as often as `make test` does it (minutes, not hours)")
    parser.add_argument("--times", type=_positive, help="do each so often")
    parser.add_argument(
        "--only", action="append", choices=[fault.name for fault in FAULTS], help="only this one; may be repeated"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON array on standard output, and no table")
    parser.add_argument("--seed", type=int, help="repeat the draws of a run that has printed its seed")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave databases, spools and logs there")
    return parser


def _positive(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")


def _play(fault: Fault, times: int, seed: int, keep: Path | None) -> Row:
    began = time.monotonic()

    def progress(done: int) -> None:
        end = "\r" if sys.stderr.isatty() else "\n"
        if sys.stderr.isatty() or done % max(1, times // 20) == 0:
            print(f"{fault.name}: {done} of {times}, {time.monotonic() - began:.0f} s  ", end=end, file=sys.stderr)

    with tempfile.TemporaryDirectory(prefix="zonetag-faults-") as made:
        folder = Path(made) if keep is None else keep / fault.name
        row, told = play(fault, folder, times, seed, progress)
    verdict = "good" if row.good else f"NOT GOOD: {told or 'its control has not failed'}"
    print(f"{fault.name}: {times} times in {time.monotonic() - began:.0f} s: {verdict}", file=sys.stderr, flush=True)
    return row


def _table(rows: list[Row]) -> None:
    lines = [COLUMNS, *(tuple(str(value) for value in asdict(row).values()) for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(COLUMNS))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
