"""Print the pins of a lock that a gateway needs: deb_pins.py LOCK "3.11 3.13".

A lock holds the server's packages too.  What `zonetag[gateway]` leads to is read from what is installed here, with
every marker evaluated for Linux and each of those Pythons.
"""

import importlib.metadata
import re
import sys
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def closure(pythons: list[str]) -> set[str]:
    """Names of every package that a gateway needs on one of `pythons`."""
    found: set[str] = set()
    for python in pythons:
        place = {
            **default_environment(),
            "python_version": python,
            "python_full_version": f"{python}.0",
            "sys_platform": "linux",
            "platform_system": "Linux",
        }
        waiting, seen = [("zonetag", "gateway")], set()
        while waiting:
            name, extra = waiting.pop()
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            for text in importlib.metadata.requires(name) or []:
                requirement = Requirement(text)
                if requirement.marker is None or requirement.marker.evaluate({**place, "extra": extra}):
                    waiting += [(canonicalize_name(requirement.name), one) for one in ("", *requirement.extras)]
        found |= {name for name, _ in seen} - {"zonetag"}
    return found


def pins(lock: str, names: set[str]) -> str:
    """The blocks of `lock` for `names`, as they stand there but for the comments."""
    blocks = re.findall(r"^[A-Za-z0-9].*(?:\n    --hash=.*)+", lock, re.MULTILINE)
    by_name = {canonicalize_name(block.partition("==")[0]): block for block in blocks}
    if missing := names - set(by_name):
        sys.exit(f"the lock has no {', '.join(sorted(missing))}: make lock")
    return "".join(f"{block}\n" for name, block in sorted(by_name.items()) if name in names)


if __name__ == "__main__":
    sys.stdout.write(pins(Path(sys.argv[1]).read_text(encoding="utf-8"), closure(sys.argv[2].split())))
