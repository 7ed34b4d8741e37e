"""Packages of a Debian release for the test benches: downloaded and unpacked beside the system, never installed.

    with debian.release("bookworm", "amd64", CACHE) as packages:
        for package in packages.download("bluez"):      # with all that it depends on
            debian.unpack(package, root)

A private apt root serves any release and architecture.  The mirrors are those that this machine's own apt uses,
whatever release the machine runs; nothing is known of them here.  `Unobtainable` says what was not to be had and why.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

APT_S = 600  # seconds for one apt command: a slow line takes a minute for the index


class Unobtainable(Exception):
    """Something is not to be had here; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Release:
    """An apt that knows one release of Debian and no installed package."""

    folder: Path
    # its own, removed in the end
    config: Path
    # apt.conf

    def download(self, *names: str, alone: bool = False) -> list[Path]:
        """The .deb files of `names` and of all that they depend on, or (alone) of nothing besides."""
        archives = self.folder / "cache/archives"
        before = set(archives.glob("*.deb"))
        if alone:
            _apt(self.config, "download", *names, folder=archives)
        else:
            _apt(self.config, "install", "--yes", "--download-only", "--no-install-recommends", *names)
        return sorted(set(archives.glob("*.deb")) - before)

    def depends(self, name: str) -> list[str]:
        """The packages that `name` names as its dependencies."""
        said = _call(["apt-cache", "depends", "--important", name], {**os.environ, "APT_CONFIG": str(self.config)})
        return [line.split(":", 1)[1].strip() for line in said.splitlines() if line.strip().startswith("Depends:")]


@contextmanager
def release(suite: str, architecture: str, cache: Path) -> Iterator[Release]:
    """That release, from the first of this machine's mirrors that has it; its files are below `cache` meanwhile."""
    what = f"Debian {suite}/{architecture}"
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise Unobtainable(f"{what}: no {tool} here to get it with")
    mirrors = _mirrors(suite)
    if not mirrors:
        raise Unobtainable(f"{what}: apt's sources name no Debian mirror")
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        said = ""
        for number, mirror in enumerate(mirrors):
            root = Path(folder) / str(number)
            config = _apt_root(root, mirror, architecture)
            try:
                _apt(config, "update", "--error-on=any")
            except Unobtainable as error:
                said = str(error)
                continue
            yield Release(root, config)
            return
        raise Unobtainable(f"{what}: {said}")


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Two test runs at once must not unpack over each other."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def unpack(package: Path, into: Path) -> None:
    """All files of a .deb; no script of it is run."""
    _call(["dpkg-deb", "-x", str(package), str(into)], None)


def unpack_some(package: Path, into: Path, *patterns: str) -> None:
    """Those files of a .deb whose path (it begins with "./") fits one of the wildcards."""
    into.mkdir(parents=True, exist_ok=True)
    pipe = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE)
    with pipe:
        done = subprocess.run(
            ["tar", "-x", "-C", str(into), "--wildcards", *patterns],
            stdin=pipe.stdout, stderr=subprocess.PIPE, text=True, timeout=APT_S, check=False,
        )  # fmt: skip
    if done.returncode:
        raise Unobtainable(f"{package.name} cannot be unpacked: {done.stderr.strip()[-400:]}")


def _mirrors(suite: str) -> list[str]:
    """Where this machine's apt gets Debian's main archive from, as source lines for `suite`."""
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
        line = f"deb {options}{uri} {suite} main\n"
        if line not in lines:
            lines.append(line)
    # Other people's archives have a `main` too: they come last, for the case that a mirror goes by another name.
    return sorted(lines, key=lambda line: "debian" not in line)


def _apt_root(root: Path, source: str, architecture: str) -> Path:
    """Folders and configuration of an apt that knows one source and no installed package."""
    for folder in ("lists/partial", "cache/archives/partial", "sources"):
        (root / folder).mkdir(parents=True)
    (root / "sources.list").write_text(source)
    (root / "status").write_text("")
    config = root / "apt.conf"
    config.write_text(
        # What the machine does after an update of its own lists does not concern these.
        "#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n"
        f'APT::Architecture "{architecture}";\n#clear APT::Architectures;\nAPT::Architectures "{architecture}";\n'
        'APT::Sandbox::User "root";\nAcquire::Languages "none";\nAcquire::Retries "2";\n'
        f'Dir::State "{root}";\nDir::State::lists "{root}/lists";\nDir::State::status "{root}/status";\n'
        f'Dir::Cache "{root}/cache";\n'
        f'Dir::Etc::sourcelist "{root}/sources.list";\nDir::Etc::sourceparts "{root}/sources";\n'
        f'Dir::Etc::preferences "/dev/null";\nDir::Etc::preferencesparts "{root}/sources";\n'
    )
    return config


def _apt(config: Path, *args: str, folder: Path | None = None) -> None:
    environment = {**os.environ, "APT_CONFIG": str(config), "DEBIAN_FRONTEND": "noninteractive"}
    _call(["apt-get", "-q", *args], environment, folder)


def _call(command: list[str], env: Mapping[str, str] | None, folder: Path | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=APT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unobtainable(f"`{' '.join(command)}` took over {APT_S} s") from error
    if done.returncode:
        raise Unobtainable(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()[-400:]}")
    return done.stdout
