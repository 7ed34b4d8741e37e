"""`make bench`: every benchmark in one run, each figure beside its reference.

make bench                          all of them
make bench ARGS="adverts resolver"  some of them
make bench ARGS=--write             all, and the figures into docs/benchmarks.md
make bench ARGS="--write card"      some, and only their figures
"""

import argparse
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
NAMES = ("adverts", "resolver", "ingest", "firmware_heap", "card", "tracing", "pages", "bluez", "crowd")
LONG = ("tracing_100", "soak")  # by themselves only, see HEAD
HEAD = """# Benchmarks

Made by `make bench ARGS=--write`; do not edit. Each ratio is taken within one run, because absolute figures depend on
the machine and on what else it does. The last column compares with the named reference; what is measured, and how the
reference is made, stands at the head of each file in [benchmarks/](../benchmarks/). Two take long and go by themselves:
`make soak ARGS=--write`, and `tracing_100`, tracing with 100 million intervals (12 GB of disk, half an hour and more):

```sh
PYTHONPATH=benchmarks:tests .venv/bin/python benchmarks/tracing.py 100 --write
```

"""


def run(name: str) -> str:
    """One benchmark, its output shown as it comes."""
    lines = []
    path = os.pathsep.join([str(HERE), str(ROOT / "tests")])
    command = [sys.executable, str(HERE / f"{name}.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}) as child:
        assert child.stdout is not None
        for line in child.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if child.returncode:
        sys.exit(f"benchmark {name} failed")
    return "".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=", ".join(NAMES))
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    args = parser.parse_args()
    unknown = set(args.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}: there are {', '.join(NAMES)}")
    said = {name: run(name) for name in args.names or NAMES}
    if args.write:
        write(said)


def write(said: dict[str, str]) -> None:
    """Put these benchmarks' figures into docs/benchmarks.md; the others stay as they are."""
    machine = f"{platform.machine()}, {os.cpu_count()} processors"
    about = f"Python {platform.python_version()}, {machine}, {datetime.now(UTC):%Y-%m-%d}."
    page = ROOT / "docs/benchmarks.md"
    sections = written(page.read_text(encoding="utf-8"))
    sections |= {name: f"{about}\n\n```\n{text}```\n" for name, text in said.items()}
    blocks = "\n".join(f"## {name}\n\n{sections[name]}" for name in (*NAMES, *LONG) if name in sections)
    page.write_text(HEAD + blocks, encoding="utf-8")


def written(page: str) -> dict[str, str]:
    """What stands in the page, by benchmark."""
    about = next(iter(re.findall(r"(?m)^Python .*$", page.partition("\n## ")[0])), "")
    found = re.findall(r"(?ms)^## (\w+)\n(.*?)(?=^## |\Z)", page)
    return {name: (text if "Python " in text else f"{about}\n{text}").strip() + "\n" for name, text in found}


if __name__ == "__main__":
    main()
