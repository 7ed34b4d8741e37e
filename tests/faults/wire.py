"""A wire between two networks that loses, delays, reorders and cuts frames: Ethernet, so that TCP itself has to cope.

Two TAP interfaces, one in each network; a thread carries frames between them.  This needs no netem in the kernel.
"""

import fcntl
import heapq
import itertools
import os
import random
import select
import struct
import threading
import time
from dataclasses import dataclass

from faults.namespaces import Networks, bring_up, ip

_TUNSETIFF = 0x400454CA
_TAP, _NO_INFO = 0x0002, 0x1000  # linux/if_tun.h
_FRAME = 65536
BOTH, NEITHER, ONLY_TO_OFFICE, ONLY_TO_SERVER = (True, True), (False, False), (True, False), (False, True)
# whether frames get to the office, and to the server


def why_not() -> str:
    """Why there can be no such wire here; empty if there can."""
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        return f"needs /dev/net/tun: {error.strerror}"
    return ""


@dataclass(frozen=True, slots=True)
class Weather:
    """What the wire does to each frame."""

    loss: float = 0.0
    # probability
    reorder: float = 0.0
    # probability of being held back
    late_s: float = 0.02
    # for at most so long
    passes: tuple[bool, bool] = BOTH
    # to the office, to the server


class Wire:
    """Joins two networks from its making until `close`; `weather` may be exchanged at any time."""

    def __init__(self, networks: Networks, dice: random.Random) -> None:
        self.weather = Weather()
        self.carried = self.lost = 0
        self._dice = dice
        self._ends = [_tap(name) for name in networks.wires]
        for namespace, name in zip((networks.office, networks.server), networks.wires, strict=True):
            ip("link", "set", name, "netns", namespace.name)
            bring_up(namespace, name)
        self._late: list[tuple[float, int, int, bytes]] = []
        self._count = itertools.count()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()
        for end in self._ends:
            os.close(end)

    def _carry(self) -> None:
        while not self._stopping.is_set():
            ready, _, _ = select.select(self._ends, [], [], 0.005)
            for source in ready:
                try:
                    frame = os.read(source, _FRAME)
                except OSError:
                    continue
                self._take(frame, 1 - self._ends.index(source))
            while self._late and self._late[0][0] <= time.monotonic():
                _, _, to, frame = heapq.heappop(self._late)
                self._give(frame, to)

    def _take(self, frame: bytes, to: int) -> None:
        weather = self.weather
        if not weather.passes[to] or self._dice.random() < weather.loss:
            self.lost += 1
        elif self._dice.random() < weather.reorder:
            due = time.monotonic() + self._dice.uniform(0, weather.late_s)
            heapq.heappush(self._late, (due, next(self._count), to, frame))
        else:
            self._give(frame, to)

    def _give(self, frame: bytes, to: int) -> None:
        if not self.weather.passes[to]:
            return
        try:
            os.write(self._ends[to], frame)
            self.carried += 1
        except OSError:
            self.lost += 1  # the interface is down


def _tap(name: str) -> int:
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(end, _TUNSETIFF, struct.pack("16sH", name.encode(), _TAP | _NO_INFO))
    return end
