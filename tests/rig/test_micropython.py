"""The bench itself: what it gives, and what it says when there is nothing to be had."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from rig.micropython import Micropython

TESTS = Path(__file__).parents[1]


def test_heap_is_as_large_as_asked(micropython: Micropython) -> None:
    code = "import gc; gc.collect(); print(gc.mem_free() + gc.mem_alloc())"
    for heap, least, most in (("64K", 50_000, 65_536), ("110K", 90_000, 112_640)):
        assert least < int(micropython.run("-c", code, heap=heap).stdout) < most
    done = micropython.run("-c", "bytearray(100000)", heap="64K")
    assert done.returncode == 1
    assert "MemoryError" in done.stdout


def test_modules_before_the_frozen_ones(micropython: Micropython, tmp_path: Path) -> None:
    (tmp_path / "machine.py").write_text("print('a machine of the test')\n")
    (tmp_path / "script.py").write_text("import sys\nimport machine\nprint(sys.argv[1])\nsys.exit(3)\n")
    done = micropython.run("script.py", "argument", path=[tmp_path], cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "a machine of the test\nargument\n")


def test_compiled_modules(micropython: Micropython, tmp_path: Path) -> None:
    source = tmp_path / "package"
    source.mkdir()
    (source / "one.py").write_text("def f(n: int) -> str:\n    return f'{n:04x}'\n")
    (source / "two.py").write_text("raise ValueError\n")
    micropython.compile(source, tmp_path / "out" / "package", only=["one"])
    assert [file.name for file in (tmp_path / "out" / "package").iterdir()] == ["one.mpy"]
    done = micropython.run("-c", "from package.one import f; print(f(5))", path=[tmp_path / "out"])
    assert done.stdout == "0005\n"


def test_what_does_not_compile_is_told(micropython: Micropython, tmp_path: Path) -> None:
    source = tmp_path / "package"
    source.mkdir()
    (source / "one.py").write_text("match 1:\n    case 1: pass\n")  # MicroPython has no `match`
    with pytest.raises(RuntimeError, match=r"one\.py"):
        micropython.compile(source, tmp_path / "out")


@pytest.mark.parametrize(
    ("ci", "outcome"), [({}, "1 skipped"), ({"CI": "true"}, "1 error")], ids=["at a desk", "on CI"]
)
def test_without_an_interpreter(tmp_path: Path, ci: dict[str, str], outcome: str) -> None:
    """No apt on the path and nothing in the cache: skipped with the reason; on CI failed."""
    (tmp_path / "test_it.py").write_text("def test_it(micropython): pass\n")
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_ADDOPTS")}
    env = kept | {"PATH": str(tmp_path), "PYTHONPATH": str(TESTS), "ZONETAG_CACHE": str(tmp_path)} | ci
    command = [sys.executable, "-m", "pytest", "-p", "rig.plugin", "-rs", "-p", "no:cacheprovider", "test_it.py"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert outcome in done.stdout, done.stdout + done.stderr
    assert "MicroPython trixie/i386: " in done.stdout
    assert (done.returncode != 0) == bool(ci)
