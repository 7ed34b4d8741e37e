"""`make accuracy`: the product's own functions on recordings with ground truth.

make accuracy                                    recordings in ../shared/data, each judged by what others taught
make accuracy DATA=DIR                           recordings in another folder of the same layout
make accuracy DATA=DIR ARGS="--train OTHER"      judged by what OTHER taught, and by nothing else
make accuracy ARGS="door zone"                   some tasks
make accuracy ARGS=--write                       all, and docs/accuracy.md anew

A table first, then one JSON object a task, each on one line.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from accuracy import air, contact, document, door, folders, offices, vestibule, zone
from accuracy.result import Result, json_line, table

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = ROOT.parent / "shared" / "data"
TASKS: dict[str, tuple[str, Callable[[Path, Path | None], Result | None]]] = {
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
    parser.add_argument("--write", action="store_true", help="write docs/accuracy.md")
    args = parser.parse_args()
    unknown = set(args.tasks) - set(TASKS)
    if unknown:
        parser.error(f"no task {', '.join(sorted(unknown))}: there are {', '.join(TASKS)}")
    data: Path = args.data or DEFAULT
    for folder, option in ((data, "DATA"), (args.train, "--train")):
        if folder is not None and not folder.is_dir():
            sys.exit(f"{folder}: no such folder; name one with {option}=DIR that holds {', '.join(_folders())}")
    results, refused = [], []
    for name in args.tasks or TASKS:
        folder, evaluate = TASKS[name]
        try:
            result = evaluate(data, args.train)
        except folders.Rubbish as error:
            refused.append(name)  # the other tasks are told all the same, the exit code tells of this one
            print(f"{name}: {error}", file=sys.stderr)
            continue
        if result is None:
            print(f"{name}: left out, {data / folder} holds nothing to judge (see docs/accuracy.md)", file=sys.stderr)
        else:
            results.append(result)
    if not results and refused:
        sys.exit(1)
    if not results:
        sys.exit(f"{data}: no recordings in {', '.join(_folders())}; see docs/accuracy.md for the layout")
    print(table(results) + "\n")
    for result in results:
        print(json_line(result))
    if refused:
        sys.exit(f"not judged: {', '.join(refused)}; see above which file is in the way")
    if args.write:
        document.write(ROOT / "docs", results)


def _folders() -> list[str]:
    return sorted({f"{folder}/" for folder, _ in TASKS.values()})


if __name__ == "__main__":
    main()
