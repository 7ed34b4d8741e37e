"""What every file of the repository keeps to: length, docstrings, reasons beside exceptions, nobody's machine in it."""

import ast
import io
import json
import re
import statistics
import subprocess
import sys
import tokenize
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 350  # lines
SAYS_WHY = "Longer than"  # what the head of a longer file begins its reason with
HEAD = 15  # lines
MEDIAN = 250  # lines

PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)( ; [^\\]+)? \\")
HASH = re.compile(r" {4}--hash=sha256:[0-9a-f]{64}( \\)?")
EXCEPTION = re.compile(
    r"#\s*(noqa|type: ignore|pyright: ignore|fmt: off|pragma)(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)?(\[[^\]]*\])?"
)
# Folders under which people and build machines keep things: such a path works on one machine only.
SOMEBODYS = re.compile(r"(?<![\w.$}>*~-])/(?:root|home|work|Users)/\w")


def tracked(*suffixes: str) -> list[Path]:
    """The files of the next commit: those known to git, and new ones that it would not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:  # an unpacked archive
        pytest.skip("not given: a git checkout")
    found = [ROOT / name for name in listed.stdout.splitlines() if not suffixes or name.endswith(suffixes)]
    return [path for path in found if path.is_file()]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""  # a picture, a capture


def named(path: Path, line: int | None = None) -> str:
    return str(path.relative_to(ROOT)) + (f":{line}" if line else "")


def test_files_are_short_or_say_why() -> None:
    texts = {path: text_of(path).splitlines() for path in tracked(".py", ".sh")}
    long = [named(p) for p, t in texts.items() if len(t) > LONGEST and SAYS_WHY not in "\n".join(t[:HEAD])]
    assert long == [], f"over {LONGEST} lines, and the head does not say why ('{SAYS_WHY} usual because ...')"
    assert statistics.median(len(lines) for lines in texts.values() if lines) < MEDIAN


def test_every_python_file_says_what_it_is_for() -> None:
    silent = []
    for path in tracked(".py"):
        tree = ast.parse(text_of(path))
        if tree.body and not ast.get_docstring(tree):
            silent.append(named(path))
    assert silent == []


def test_every_exception_to_a_rule_has_its_reason_beside_it() -> None:
    bare = []
    for path in tracked(".py"):
        for token in tokenize.generate_tokens(io.StringIO(text_of(path)).readline):
            if token.type == tokenize.COMMENT and EXCEPTION.search(token.string):
                reason = EXCEPTION.sub("", token.string)
                if len(re.findall(r"\w", reason)) < len("a reason"):
                    bare.append(named(path, token.start[0]) + "  " + token.string)
    assert bare == [], "\n".join(bare)


def test_no_test_sleeps() -> None:
    """A test waits on a condition, never for a time: `time.sleep` is slow on a fast machine and short on a slow one."""
    sleeping = [
        named(path, node.lineno)
        for path in tracked(".py")
        if path.is_relative_to(ROOT / "tests")
        for node in ast.walk(ast.parse(text_of(path)))
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "time.sleep"
    ]
    assert sleeping == []


def test_scripts_can_be_started() -> None:
    scripts = [path for path in tracked() if text_of(path).startswith("#!")]
    assert scripts != []
    assert [named(path) for path in scripts if not path.stat().st_mode & 0o100] == []


def addresses_of_this_machine() -> set[str]:
    """Where this machine's pip fetches from, when that is not the public index: of no use to anybody else."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = set()
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        if key.rsplit(".", 1)[-1] in {"index-url", "extra-index-url", "find-links", "trusted-host", "proxy"}:
            for place in value.strip("'\"").replace("\\n", " ").split():
                found |= {place, urlsplit(place).hostname or "", urlsplit(place).path.rstrip("/")}
    return {place for place in found if len(place) > len("/opt/")} - {"pypi.org", "/simple", "https://pypi.org/simple"}


def test_no_file_names_somebodys_machine() -> None:
    places = addresses_of_this_machine()
    found = []
    for path in tracked():
        for number, line in enumerate(text_of(path).splitlines(), 1):
            if SOMEBODYS.search(line) or any(place in line for place in places):
                found.append(f"{named(path, number)}  {line.strip()[:100]}")
    assert found == [], "\n".join(found)


LOCKS = sorted((ROOT / "requirements").glob("*.lock"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_locks_hold_versions_and_hashes_and_no_address(lock: Path) -> None:
    odd, pinned, hashed = [], set(), set()
    name = ""
    for line in lock.read_text(encoding="utf-8").splitlines():
        if PIN.fullmatch(line):
            name = line
            pinned.add(name)
        elif HASH.fullmatch(line):
            hashed.add(name)
        elif not line.lstrip().startswith("#") or "://" in line:
            odd.append(line)
    assert odd == []
    assert pinned == hashed != set()


def pins(*names: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        for line in (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8").splitlines():
            if match := PIN.fullmatch(line):
                versions = found.setdefault(canonicalize_name(match["name"]), [])
                if match["version"] not in versions:
                    versions.append(match["version"])
    return found


def test_locks_hold_what_the_project_asks_for() -> None:
    """Each requirement of pyproject.toml is pinned at a version it allows: else `make lock` was forgotten."""
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, groups = settings["project"], settings["dependency-groups"]
    extras = project["optional-dependencies"]
    runs = [*project["dependencies"], *extras["gateway"], *extras["server"], *groups["build"]]
    wanted = {"run": runs, "flash": extras["flash"], "test": groups["test"], "bench": groups["bench"]}
    forgotten = []
    for lock, requirements in wanted.items():
        have = pins(lock)
        for requirement in map(Requirement, requirements):
            versions = have.get(canonicalize_name(requirement.name), [])
            if not versions or not all(requirement.specifier.contains(version) for version in versions):
                forgotten.append(f"{lock}.lock: {requirement} (pinned: {versions})")
    assert forgotten == [], "make lock"


def test_locks_agree_with_each_other() -> None:
    """What one lock pins another pins at the same versions: they are installed into one environment, one by one."""
    seen: dict[str, dict[str, list[str]]] = {lock.stem: pins(lock.stem) for lock in LOCKS}
    for name in {name for lock in seen.values() for name in lock}:
        assert len({json.dumps(sorted(lock[name])) for lock in seen.values() if name in lock}) == 1, name
