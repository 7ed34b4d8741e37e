"""The chip of a Bluetooth adapter: bumble's virtual controller, whose ear is a model of a real one.

    async with Dongle(port) as dongle:          # plugged in; leaving the block pulls it out
        dongle.hear(sent)                       # one advert reaches its antenna

bumble 0.0.236 answers every command of the kernel, but reports each advert at -50 dBm, makes up scan responses, and
knows neither scan windows nor the filter of duplicates.  Here (Bluetooth Core 5.4, volume 4, part E):
- an advert is heard only within the scan window (7.8.10), and with the RSSI that it was sent with;
- with `filter duplicates` (7.8.11) what was reported once since scanning began is not reported again;
- a scannable advertiser answers an active scanner: Linux holds such an advert back until the answer comes;
- with the accept list (7.8.15 to 7.8.17) the others' adverts are not reported;
- a connection asked for (7.8.12) comes about with the next connectable advert of that address, or is called off, and
  is told by the enhanced event (7.7.65.10): of a chip with LL Privacy Linux waits for that one and scans not till then.
"""

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from bumble import hci
from bumble.controller import Controller
from bumble.link import LocalLink
from bumble.transport.common import PacketParser

ADV_IND, _, ADV_SCAN_IND, ADV_NONCONN_IND, SCAN_RSP = range(5)  # event types of a report (7.7.65.2)
ENHANCED = 1 << 9  # of the LE event mask: LE Enhanced Connection Complete (7.8.1)
ANSWERS = (ADV_IND, ADV_SCAN_IND)
RANDOM_ADDRESS = 1
UNIT_S = 0.000625  # of scan interval and window
PLUG_S = 60.0  # for the machine inside to notice a new adapter, with emulation on a busy computer


@dataclass(frozen=True, slots=True)
class Sent:
    """One advert on the air."""

    at: float
    # seconds on the event loop's clock
    address: bytes
    # 6 bytes as a person writes them, most significant first; a random one
    data: bytes
    # AD structures
    rssi: int
    # dBm at the antenna
    kind: int = ADV_NONCONN_IND
    # ADV_IND, ADV_SCAN_IND or ADV_NONCONN_IND


class Chip(Controller):
    """A controller of Bluetooth 4.2, as Raspberry Pi 3 and most dongles have: legacy scanning only."""

    def __init__(self, name: str, address: str, link: LocalLink | None = None) -> None:
        super().__init__(name, public_address=address, link=link)
        extended = hci.LeFeatureMask.LE_EXTENDED_ADVERTISING | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING
        self.le_features &= ~extended
        self._known: set[tuple[int, bytes, bytes]] = set()
        self._accepted: set[bytes] = set()
        # addresses, most significant byte first
        self.shares: Counter[tuple[str, bool]] = Counter()
        # adverts by what else the chip was doing ("", "connecting", "connected") and whether the host was told
        self.scans = 0
        # how often scanning was turned on
        self.loss_db = 0
        # between the air and this antenna
        self.mute = False
        # answers nothing any more, as a chip whose firmware hangs
        self.away = 0
        # adverts that came while it did not scan
        self.outside = 0
        # that came outside the scan window
        self.duplicates = 0
        # that the filter of duplicates kept back
        self.reported = 0
        # that the host was told of

    @property
    def mode(self) -> str:
        """How it scans now, in words."""
        if not self.le_scan_enable:
            return "off"
        share = self.le_scan_window / self.le_scan_interval
        filtering = "without duplicates" if self.filter_duplicates else "with duplicates"
        return f"{'active' if self.le_scan_type else 'passive'}, {share:.0%} of the time, {filtering}"

    def on_packet(self, packet: bytes) -> None:
        """From the host."""
        if not self.mute:
            super().on_packet(packet)

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """To the host."""
        if isinstance(packet, hci.HCI_LE_Connection_Complete_Event) and self.le_event_mask & ENHANCED:
            packet = hci.HCI_LE_Enhanced_Connection_Complete_Event(
                status=packet.status,
                connection_handle=packet.connection_handle,
                role=packet.role,
                peer_address_type=packet.peer_address_type,
                peer_address=packet.peer_address,
                local_resolvable_private_address=hci.Address.ANY_RANDOM,
                peer_resolvable_private_address=hci.Address.ANY_RANDOM,
                connection_interval=packet.connection_interval,
                peripheral_latency=packet.peripheral_latency,
                supervision_timeout=packet.supervision_timeout,
                central_clock_accuracy=packet.central_clock_accuracy,
            )
        super().send_hci_packet(packet)

    def on_hci_le_set_scan_enable_command(self, command: hci.HCI_LE_Set_Scan_Enable_Command) -> Any:
        """A new scan forgets what was reported."""
        self._known.clear()
        self.scans += bool(command.le_scan_enable)
        return super().on_hci_le_set_scan_enable_command(command)

    def on_hci_le_clear_filter_accept_list_command(self, command: hci.HCI_LE_Clear_Filter_Accept_List_Command) -> Any:
        self._accepted.clear()
        return super().on_hci_le_clear_filter_accept_list_command(command)

    def on_hci_le_add_device_to_filter_accept_list_command(
        self, command: hci.HCI_LE_Add_Device_To_Filter_Accept_List_Command
    ) -> Any:
        self._accepted.add(_written(command.address))
        return super().on_hci_le_add_device_to_filter_accept_list_command(command)

    def on_hci_le_remove_device_from_filter_accept_list_command(
        self, command: hci.HCI_LE_Remove_Device_From_Filter_Accept_List_Command
    ) -> Any:
        self._accepted.discard(_written(command.address))
        return super().on_hci_le_remove_device_from_filter_accept_list_command(command)

    def on_hci_le_create_connection_cancel_command(self, command: hci.HCI_LE_Create_Connection_Cancel_Command) -> Any:
        """The connection that was asked for is told as one that did not come about."""
        wanted, self.pending_le_connection = self.pending_le_connection, None
        if wanted is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        answer = super().on_hci_le_create_connection_cancel_command(command)
        asyncio.get_running_loop().call_soon(
            self.send_hci_packet,
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=wanted.peer_address.address_type,
                peer_address=wanted.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            ),
        )
        return answer

    def hear(self, sent: Sent) -> bool:
        """One advert reaches the antenna: whether the host is told."""
        doing = "connecting" if self.pending_le_connection else "connected" if self.le_connections else ""
        told = self._hear(sent)
        self.shares[doing, told] += 1
        return told

    def _hear(self, sent: Sent) -> bool:
        wanted = self.pending_le_connection
        if wanted is not None and sent.kind == ADV_IND and _written(wanted.peer_address) == sent.address:
            self.create_le_connection(wanted.peer_address)
        others = self.le_scanning_filter_policy and sent.address not in self._accepted
        if not self.le_scan_enable or others or self.mute:
            self.away += 1
            return False
        if sent.at / UNIT_S % self.le_scan_interval >= self.le_scan_window:
            self.outside += 1
            return False
        if self.filter_duplicates:
            key = (sent.kind, sent.address, sent.data)
            if key in self._known:
                self.duplicates += 1
                return False
            self._known.add(key)
        self._report(sent.kind, sent.address, sent.data, sent.rssi - self.loss_db)
        if self.le_scan_type and sent.kind in ANSWERS:
            self._report(SCAN_RSP, sent.address, b"", sent.rssi - self.loss_db)
        self.reported += 1
        return True

    def _report(self, kind: int, address: bytes, data: bytes, rssi: int) -> None:
        """LE Advertising Report with one report (7.7.65.2)."""
        body = struct.pack("<BBBB6sB", 0x02, 1, kind, RANDOM_ADDRESS, address[::-1], len(data))
        body += data + struct.pack("<b", rssi)
        assert self.host is not None
        self.host.on_packet(bytes((hci.HCI_EVENT_PACKET, hci.HCI_LE_META_EVENT, len(body))) + body)


def _written(address: hci.Address) -> bytes:
    """As a person writes it."""
    return bytes(reversed(bytes(address)))


class _Line:
    """Where the chip's packets go."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def on_packet(self, packet: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(packet)


class Dongle:
    """A chip that can be plugged into one of the machine's HCI ports."""

    def __init__(self, port: int, address: str = "F0:F1:F2:F3:F4:F5", link: LocalLink | None = None) -> None:
        """`address`: public, of the adapter; `link` carries its connections, without one there are none."""
        self._port = port
        self._address = address
        self._link = link
        self.chip: Chip  # that which is plugged in, or was

    async def __aenter__(self) -> Self:
        await self.plug()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.pull()

    async def plug(self) -> None:
        """Plug a new chip in; returns when the kernel inside speaks with it."""
        self.chip = Chip("dongle", self._address, self._link)
        async with asyncio.timeout(PLUG_S):
            while not await self._connect():  # noqa: ASYNC110  # the socket inside is not yet listening again
                await asyncio.sleep(0.1)

    async def pull(self) -> None:
        """Pull it out."""
        if self._link is not None:
            self._link.remove_controller(self.chip)
        self._pump.cancel()
        await asyncio.wait((self._pump,))
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _connect(self) -> bool:
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.chip.host = _Line(self._writer)
        parser = PacketParser(self.chip)
        try:
            first = await reader.read(4096)
        except OSError:
            first = b""
        if not first:
            self._writer.close()
            return False
        parser.feed_data(first)
        self._pump = asyncio.create_task(self._read(reader, parser))
        return True

    async def _read(self, reader: asyncio.StreamReader, parser: PacketParser) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(4096):
                parser.feed_data(data)
