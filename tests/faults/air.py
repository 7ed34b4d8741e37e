"""The air of a run, and the truth about it: which frames were sent when, to which life of the gateway.

Speaks to the gateway's simulated source (zonetag_gateway.sources.simulated).  Every frame is sent once and differs from
all others, so that each one is one window, and what became of it can be told by its bytes.
"""

import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass

from faults.namespaces import Namespace
from rig.reports import Tag

PORT = 8766
STEP_S = 4.0  # a tag's slot: each step has new frames
Frame = tuple[bytes, bytes]
"""Identifier and authenticator: names a frame for ever."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One frame on the air."""

    tag: int
    # id in the registry
    utc_ms: int
    life: int
    # which connection of the gateway it was sent to, from 1


class Air:
    """Sends `tags` step by step, from `start` to `finish`; stands still while nobody listens."""

    def __init__(
        self, office: Namespace, tags: dict[int, Tag], start_ms: int, step_s: float = STEP_S, pause_s: float = 0.04
    ) -> None:
        self._tags = tags
        self.start_ms = start_ms
        self._step_s = step_s
        self._pause_s = pause_s
        self.at = 0.0  # seconds of the line
        self.lives = 0
        self.sent: dict[Frame, Sent] = {}
        self._stopping = threading.Event()
        self._finishing = threading.Event()
        self._still = threading.Event()
        # What the gateway's clock says, of the point of the line and the true time; none: the true time.
        self.told: Callable[[float, int], int] | None = None
        # What else is in the air in the step that begins at a point of the line: records; none: nothing.
        self.beside: Callable[[float], bytes] | None = None
        self._server = office.do(self._listen)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """The end of the simulation: the gateway delivers what it has and ends."""
        self._finishing.set()

    def close(self) -> None:
        self._stopping.set()
        self._server.close()
        self._thread.join()

    @staticmethod
    def _listen() -> socket.socket:
        server = socket.create_server(("127.0.0.1", PORT))
        server.settimeout(0.1)
        return server

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                gateway, _ = self._server.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.lives += 1
            with gateway:
                gateway.settimeout(60.0)
                try:
                    self._play(gateway)
                except OSError:
                    continue  # it has died; the next one hears on

    def _play(self, gateway: socket.socket) -> None:
        while not self._stopping.wait(self._pause_s):
            if self._finishing.is_set():
                gateway.sendall(b"\x03")
                while gateway.recv(64):  # its name, and then until it hangs up: unread bytes would reset it
                    pass
                return
            self.at += self._step_s
            utc_ms = self.start_ms + round(self.at * 1000)
            told = self.told
            out = [struct.pack("<BdQ", 2, self.at, utc_ms if told is None else told(self.at, utc_ms))]
            for number, tag in self._tags.items():
                data = tag.advert(utc_ms)
                out.append(struct.pack("<BdbB", 1, self.at, -60, len(data)) + data)
                self.sent[data[13:21], data[25:31]] = Sent(number, utc_ms, self.lives)
            if self.beside is not None:
                out.insert(1, self.beside(self.at))  # ahead of the tags: room that has just come free is not theirs
            gateway.sendall(b"".join(out))
