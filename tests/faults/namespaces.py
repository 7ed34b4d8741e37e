"""Network namespaces of this run alone, and the proof that a process owns the port that is talked to.

Needs root, iproute2 and util-linux.  Without them every fault that needs processes is skipped and says why; there is
no fallback without namespaces: on a shared loopback a foreign broker on the same port would be believed.
"""

import ctypes
import itertools
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_CLONE_NEWNET = 0x40000000
_LISTENING, _ESTABLISHED = "0A", "01"  # proc(5), /proc/net/tcp
_numbers = itertools.count()
T = TypeVar("T")


def why_not() -> str:
    """Why there can be no namespaces here; empty if there can."""
    if os.geteuid() != 0:
        return "needs root, to make network namespaces"
    if not shutil.which("ip") or not shutil.which("nsenter"):
        return "needs ip and nsenter: apt-get install iproute2 util-linux"
    name = f"zt{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"this machine makes no network namespaces: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", name], check=True)
    return ""


def ip(*arguments: str) -> None:
    """Run `ip`; its complaint is the error."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"


@dataclass(frozen=True, slots=True)
class Namespace:
    """One network of its own."""

    name: str
    address: str
    # of its end of the wire

    def command(self, *command: str) -> list[str]:
        """`command`, to be run in here (it becomes the command: the process number stays)."""
        return ["nsenter", f"--net=/run/netns/{self.name}", "--", *command]

    def do(self, work: Callable[[], T]) -> T:
        """Run `work` in a thread that stands in here: sockets that it makes stay here."""
        out: list[T] = []
        faults: list[BaseException] = []

        def enter() -> None:
            try:
                with open(f"/run/netns/{self.name}", "rb") as there:
                    libc = ctypes.CDLL(None, use_errno=True)
                    assert libc.setns(there.fileno(), _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
                out.append(work())
            except BaseException as error:  # noqa: BLE001  # handed to the thread that has asked
                faults.append(error)

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if faults:
            raise faults[0]
        return out[0]


@dataclass(frozen=True, slots=True)
class Networks:
    """The two ends: where gateways are, and where broker and server are.  `wire` names the interface of each end."""

    office: Namespace
    server: Namespace
    wires: tuple[str, str]


@contextmanager
def networks(*, joined: bool = True) -> Iterator[Networks]:
    """Two namespaces, joined by a wire unless the caller lays one of its own."""
    stem = f"zt{os.getpid()}-{next(_numbers)}"
    office, server = Namespace(f"{stem}-o", "10.77.0.1"), Namespace(f"{stem}-s", "10.77.0.2")
    wires = (f"zo{stem[2:]}"[-15:], f"zs{stem[2:]}"[-15:])
    try:
        for namespace in (office, server):
            ip("netns", "add", namespace.name)
            ip("-n", namespace.name, "link", "set", "lo", "up")
        if joined:
            ip("link", "add", wires[0], "netns", office.name, "type", "veth", "peer", wires[1], "netns", server.name)
            for namespace, wire in zip((office, server), wires, strict=True):
                bring_up(namespace, wire)
        yield Networks(office, server, wires)
    finally:
        for namespace in (office, server):
            subprocess.run(["ip", "netns", "del", namespace.name], capture_output=True, check=False)


def bring_up(namespace: Namespace, wire: str) -> None:
    """Give an end of the wire its address."""
    ip("-n", namespace.name, "addr", "add", f"{namespace.address}/24", "dev", wire)
    ip("-n", namespace.name, "link", "set", wire, "up")


def owns(pid: int, port: int) -> bool:
    """Whether process `pid` itself listens on TCP `port` of its network: by the socket's inode among its files."""
    return bool(_inodes(pid, _LISTENING, 1, port) & _sockets(pid))


def speaks_to(pid: int, port: int) -> bool:
    """Whether process `pid` has a connection to TCP `port` of somebody."""
    return bool(_inodes(pid, _ESTABLISHED, 2, port) & _sockets(pid))


def _inodes(pid: int, state: str, column: int, port: int) -> set[str]:
    try:
        lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    except OSError:
        return set()
    rows = [line.split() for line in lines]
    return {row[9] for row in rows if row[3] == state and int(row[column].split(":")[1], 16) == port}


def _sockets(pid: int) -> set[str]:
    found = set()
    try:
        for file in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = os.readlink(file)
            except OSError:
                continue  # closed meanwhile
            if target.startswith("socket:["):
                found.add(target[8:-1])
    except OSError:
        return set()
    return found
