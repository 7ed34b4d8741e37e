"""What carries connections between the virtual controllers of an air."""

import asyncio

from bumble import hci
from bumble.controller import Controller
from bumble.core import PhysicalTransport
from bumble.link import LocalLink

APART_S = 0.00001
ATT_AT, NOTIFICATION = 4, 0x1B  # behind L2CAP's head


class AirLink(LocalLink):
    """Carries what is sent over connections; bumble's takes each sender's address for a random one."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # bumble leaves it untyped
        self._last = 0.0  # when what was sent last arrives
        self.moved_s = 0.0  # on the loop's clock: when either end sent something last
        self.sender: Controller | None = None  # which
        self.interval_s = 0.0  # of a connection: real seconds from one exchange to the next
        self.parts: int | None = None  # so many notifications more are carried, then nothing: out of reach
        self.lost = asyncio.Event()  # it has come to that

    def send_acl_data(
        self, sender_controller: Controller, destination_address: hci.Address, transport: PhysicalTransport, data: bytes
    ) -> None:
        """To the other end, at the next exchange."""
        if self.lost.is_set():
            return
        self.moved_s, self.sender = asyncio.get_running_loop().time(), sender_controller
        of = sender_controller.le_connections.get(destination_address)
        other = self.find_le_controller(destination_address)
        if of is None or other is None:
            return
        if self.parts is not None and data[ATT_AT] == NOTIFICATION:
            self.parts -= 1
            if not self.parts:
                self.lost.set()
        loop = asyncio.get_running_loop()
        if not self.interval_s:
            loop.call_soon(other.on_link_acl_data, of.self_address, transport, data)
            return
        # Each later than the one before: timers of one moment come in no particular order.
        due = (loop.time() // self.interval_s + 1) * self.interval_s
        self._last = max(due, self._last + APART_S)
        loop.call_at(self._last, other.on_link_acl_data, of.self_address, transport, data)

    def time_out(self) -> None:
        """Every connection ends for both ends, as when nothing was heard for the supervision timeout."""
        for controller in self.controllers:
            for connection in list(controller.le_connections.values()):
                controller.on_le_disconnected(connection, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    def carry_again(self, parts: int | None = None) -> None:
        """Within reach again, for so many notifications."""
        self.parts = parts
        self.lost.clear()
