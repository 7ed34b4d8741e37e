"""The kernel's management socket on the event loop: commands with their replies, events as they come.

Beside bluetoothd, which has one of its own: the kernel tells every such socket of every event.  Anybody may open one;
without CAP_NET_ADMIN the kernel refuses nearly every command with "permission denied", and tells of no advert.
"""

import asyncio
import ctypes
import os
import socket
import struct
from collections.abc import Callable
from types import TracebackType
from typing import Self

from zonetag_gateway import mgmt
from zonetag_gateway.errors import SourceError
from zonetag_protocol.errors import Malformed

AF_BLUETOOTH = 31  # by number: Python's socket module lacks the names where it was built without bluetooth.h
BTPROTO_HCI = 1
HCI_DEV_NONE = 0xFFFF
HCI_CHANNEL_CONTROL = 3
RECEIVE_BYTES = 1 << 20  # what waits while the loop is busy: some thousand adverts; the kernel drops what is above it
SO_RCVBUFFORCE = 33  # the same without the system's limit; for those with CAP_NET_ADMIN, whom alone this helps
ANSWER_S = 10.0  # switching a controller takes tenths of a second; one that takes longer hangs
A_TURN = 256  # packets read at once, before others get a turn of the loop
# While events come they are read so often, not one by one: most of an event's cost is waking up for it.  Their times
# are so much late at most, a twenty-fifth of the shortest window.
GATHER_S = 0.02

Connect = Callable[[], socket.socket]
"""Opens a socket whose every datagram is one management packet; SourceError."""

CAPABILITY = (
    "Give it CAP_NET_ADMIN: sudo install -D -m 644 /usr/lib/zonetag-gateway/mgmt.conf"
    " /etc/systemd/system/zonetag-gateway.service.d/mgmt.conf; sudo systemctl daemon-reload;"
    " sudo systemctl restart zonetag-gateway (without systemd: docs/en/listening.md)"
)


def connect() -> socket.socket:
    """The kernel's own.  SourceError when there is none."""
    try:
        opened = socket.socket(AF_BLUETOOTH, socket.SOCK_RAW | socket.SOCK_NONBLOCK, BTPROTO_HCI)
    except OSError as error:
        raise SourceError(
            f"this process gets no Bluetooth socket ({error.strerror})",
            "Load the kernel's module: sudo modprobe bluetooth; in a container: --network=host; as a service: "
            + CAPABILITY.removeprefix("Give it CAP_NET_ADMIN: "),
        ) from error
    try:
        _bind(opened)
    except OSError as error:
        opened.close()
        raise SourceError(f"the management socket cannot be opened ({error.strerror})", CAPABILITY) from error
    for option in (socket.SO_RCVBUF, SO_RCVBUFFORCE):
        try:
            opened.setsockopt(socket.SOL_SOCKET, option, RECEIVE_BYTES)
        except OSError:
            continue  # the system's limit must do
    return opened


def _bind(opened: socket.socket) -> None:
    """To the control channel, by the C library: Python's own bind knows no channel before 3.14.  OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    # struct sockaddr_hci: family, device, channel
    address = struct.pack("=HHH", AF_BLUETOOTH, HCI_DEV_NONE, HCI_CHANNEL_CONTROL)
    if libc.bind(opened.fileno(), address, len(address)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Management:
    """One management socket; `async with Management(on_event) as management`."""

    def __init__(
        self, on_event: Callable[[mgmt.Packet], None], connect: Connect = connect, *, answer_s: float = ANSWER_S
    ) -> None:
        """`on_event` is given every event that is no reply; it may raise Malformed, which is counted."""
        self._on_event = on_event
        self._connect = connect
        self._answer_s = answer_s
        self._waiting: dict[tuple[int, int], asyncio.Future[mgmt.Reply]] = {}
        self.lost = asyncio.Event()
        # set when the socket has died
        self.malformed = 0
        # packets that did not keep to their form

    async def __aenter__(self) -> Self:
        self._socket = self._connect()
        self._socket.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._loop.add_reader(self._socket, self._wake)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.remove_reader(self._socket)
        if self._timer is not None:
            self._timer.cancel()
        self._socket.close()

    async def ask(self, code: int, index: int = mgmt.NO_INDEX, body: bytes = b"") -> mgmt.Reply:
        """A command and its reply, whatever its status; SourceError when there is none."""
        waiting: asyncio.Future[mgmt.Reply] = asyncio.get_running_loop().create_future()
        self._waiting[code, index] = waiting
        try:
            self._socket.send(mgmt.command(code, index, body))
            async with asyncio.timeout(self._answer_s):
                return await waiting
        except (OSError, TimeoutError) as error:
            raise SourceError(
                f"the kernel does not answer on its management socket ({error or 'no answer'})",
                "Restart Bluetooth: sudo systemctl restart bluetooth; see sudo dmesg | grep -i bluetooth",
            ) from error
        finally:
            self._waiting.pop((code, index), None)

    async def must(self, code: int, index: int = mgmt.NO_INDEX, body: bytes = b"") -> bytes:
        """What a command returns; SourceError when it is refused."""
        answer = await self.ask(code, index, body)
        if answer.status != mgmt.SUCCESS:
            raise refusal(code, answer.status)
        return answer.body

    def _wake(self) -> None:
        """The first event after a silence."""
        self._loop.remove_reader(self._socket)
        self._gather()

    def _gather(self) -> None:
        """Read what there is; come again soon if there was anything."""
        read = self._read()
        if self.lost.is_set():
            return
        if read:
            self._timer = self._loop.call_later(GATHER_S, self._gather)
        else:
            self._loop.add_reader(self._socket, self._wake)

    def _read(self) -> int:
        for number in range(A_TURN):
            try:
                raw = self._socket.recv(mgmt.MAX_PACKET)
            except BlockingIOError:
                return number
            except OSError:
                raw = b""
            if not raw:
                self.lost.set()
                return number
            try:
                self._take(mgmt.packet(raw))
            except Malformed:
                self.malformed += 1
        return A_TURN

    def _take(self, event: mgmt.Packet) -> None:
        if event.code in (mgmt.COMMAND_COMPLETE, mgmt.COMMAND_STATUS):
            answer = mgmt.reply(event)
            waiting = self._waiting.get((answer.command, event.index))
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)
        else:
            self._on_event(event)


def refusal(code: int, status: int) -> SourceError:
    """The error for a command that was not carried out."""
    if status == mgmt.PERMISSION_DENIED:
        return SourceError("this process may not use the management socket (it lacks CAP_NET_ADMIN)", CAPABILITY)
    why = mgmt.STATUSES.get(status, f"status {status}")
    return SourceError(
        f"the kernel refuses management command 0x{code:04x} ({why})",
        "See sudo dmesg | grep -i bluetooth; an adapter that is off: bluetoothctl power on",
    )


async def permitted(connect: Connect = connect) -> SourceError | None:
    """Why this process cannot hear by the management socket; None if it can.  Changes nothing."""
    try:
        async with Management(lambda _: None, connect) as management:
            for index in mgmt.indices(await management.must(mgmt.READ_INDEX_LIST)):
                await management.must(mgmt.READ_MONITORS, index)
    except SourceError as error:
        return error
    except Malformed as error:
        return SourceError(f"the kernel's management answers cannot be read ({error})", 'Use source.kind = "bleak"')
    return None
