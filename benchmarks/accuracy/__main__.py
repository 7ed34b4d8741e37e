"""`make accuracy`: the product's own functions on recordings with ground truth.

make accuracy                                    recordings in ../shared/data, each judged by what others taught
make accuracy DATA=DIR                           recordings in another folder of the same layout
make accuracy DATA=DIR TRAIN=OTHER               judged by what OTHER taught, and by nothing else
make accuracy ARGS="door zone"                   some tasks
make accuracy ARGS=--rehearse                    many splits of the recordings, and how far the figures spread
make accuracy ARGS=--write                       all, with the rehearsal, and docs/accuracy.md anew

A table first, then one JSON object a task, each on one line.
"""

import argparse
import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from accuracy import air, contact, document, door, folders, offices, rehearse, vestibule, zone
from accuracy.result import Result, json_line, not_judged, table

SPLITS = 12
ROOT = Path(__file__).resolve().parents[2]
DEFAULT = ROOT.parent / "shared" / "data"
TASKS: dict[str, tuple[str, Callable[[Path, Path | None], Result]]] = {
    "door": ("door", door.evaluate),
    "vestibule": ("vestibule", vestibule.evaluate),
    "zone": ("zone", zone.evaluate),
    "contact": ("contact", contact.evaluate),
    "offices": ("meetings", offices.evaluate),
    "air": ("zone", air.evaluate),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="make accuracy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tasks", nargs="*", help=", ".join(TASKS))
    parser.add_argument("--data", type=Path, help="folder of recordings")
    parser.add_argument("--train", type=Path, help="folder of the recordings to learn from, and only from these")
    parser.add_argument(
        "--rehearse", type=int, nargs="?", const=SPLITS, help="part the folder so many times and tell the spread"
    )
    parser.add_argument("--write", action="store_true", help="write docs/accuracy.md")
    args = parser.parse_args()
    unknown = set(args.tasks) - set(TASKS)
    if unknown:
        parser.error(f"no task {', '.join(sorted(unknown))}: there are {', '.join(TASKS)}")
    data: Path = args.data or DEFAULT
    for folder, option in ((data, "DATA"), (args.train, "--train")):
        if folder is not None and not folder.is_dir():
            sys.exit(f"{folder}: no such folder; name one with {option}=DIR that holds {', '.join(_folders())}")
    if args.rehearse is not None:
        _rehearse(data, max(1, args.rehearse))
        return
    results: list[Result] = []
    lines, refused = [], []
    for name in args.tasks or TASKS:
        try:
            result = TASKS[name][1](data, args.train)
        except folders.Missing as error:
            print(f"{name}: left out: {error}", file=sys.stderr)
            lines.append(not_judged(name, str(error)))
            continue
        except Exception as error:  # noqa: BLE001  # of recordings that nobody has seen: the other tasks are told all the same
            why = str(error)
            if not isinstance(error, folders.Rubbish):
                traceback.print_exc()
                why = f"these recordings are of a kind that the task cannot take ({type(error).__name__}: {error})"
            refused.append(name)
            print(f"{name}: left out: {why}", file=sys.stderr)
            lines.append(not_judged(name, why))
            continue
        for each in result.refused + result.left_out:
            print(f"{name}: {each}", file=sys.stderr)
        if result.refused:
            refused.append(name)
        results.append(result)
        lines.append(json_line(result))
    if results:
        print(table(results) + "\n")
    print("\n".join(lines))
    if not results and not refused:
        sys.exit(f"{data}: no recordings in {', '.join(_folders())}; see docs/accuracy.md for the layout")
    if refused:
        sys.exit(f"not judged, or not all of it: {', '.join(refused)}; see above which file is in the way")
    if args.write:
        document.write(ROOT / "docs", results, _rehearse(data, SPLITS))


def _rehearse(data: Path, splits: int) -> list[rehearse.Spread]:
    try:
        spreads = rehearse.rehearse(data, splits)
    except folders.Rubbish as error:
        sys.exit(str(error))
    if not spreads:
        sys.exit(f"{data}: too few recordings to part them; see docs/accuracy.md for the layout")
    print(f"\n{rehearse.table(spreads)}\n\n{json.dumps(rehearse.figures(spreads), allow_nan=False)}")
    return spreads


def _folders() -> list[str]:
    return sorted({f"{folder}/" for folder, _ in TASKS.values()})


if __name__ == "__main__":
    main()
