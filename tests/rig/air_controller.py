"""A controller of the virtual air, and the line by which a tag has it.

Repaired here, against Bluetooth Core 5.4, volume 4, part E (bumble 0.0.236 differs):
- LE Set Random Address is refused (0x0C) while advertising or scanning (7.8.4);
- intervals are in units of 0.625 ms (7.8.5);
- scannable and non-connectable adverts are sent, each once, and no scan response is made up of them;
- LE Create Connection Cancel is known (7.8.13), without which one connection that never came about forbids all others;
- a report bears the RSSI of its link.
"""

import asyncio
from typing import Any

from bumble import hci, ll
from bumble.controller import Controller, LegacyAdvertiser
from bumble.link import LocalLink
from bumble.transport.common import StreamPacketSource

CONNECTABLE = 0  # ADV_IND
Report = hci.HCI_LE_Advertising_Report_Event.Report


class TimedAdvertiser(LegacyAdvertiser):
    """Sends when the air's time says so, never by this machine's clock."""

    next_ms: float = 0.0

    def start(self) -> None:
        """Begin at once."""
        self.stop()
        self.enabled = True
        self.next_ms = 0.0


class HciLine:
    """HCI in its H4 form over TCP: one client at a time, as on a serial line.  A source and a sink of bumble."""

    def __init__(self) -> None:
        self.source = StreamPacketSource()
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> str:
        """Listen; host:port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return "{}:{}".format(*self._server.sockets[0].getsockname())

    def on_packet(self, packet: bytes) -> None:
        """From the controller to the tag."""
        if self._writer is not None:
            self._writer.write(packet)

    def close(self) -> None:
        """End the line."""
        if self._writer is not None:
            self._writer.close()
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        try:
            while data := await reader.read(4096):
                self.source.data_received(data)
        except ConnectionResetError:
            pass
        finally:
            writer.close()


class AirController(Controller):
    """A controller that refuses what real ones refuse, and reports what it hears as it was sent."""

    def __init__(self, name: str, link: LocalLink, line: HciLine | None = None) -> None:
        super().__init__(name, host_source=line.source if line else None, host_sink=line, link=link)
        self.advertiser = TimedAdvertiser(self)
        self.le_legacy_advertiser = self.advertiser
        self.refused = 0
        self.refuse = 0  # so many changes of the address are refused whatever the state: a controller that is busy
        self.rssi = -60  # dBm, of what it sends, at whoever hears it

    def on_hci_reset_command(self, command: hci.HCI_Reset_Command) -> Any:
        """All roles end (7.3.2)."""
        self.advertiser.stop()
        self.le_scan_enable = False
        return super().on_hci_reset_command(command)

    def on_hci_le_set_random_address_command(self, command: hci.HCI_LE_Set_Random_Address_Command) -> Any:
        """Refused while advertising or scanning (7.8.4)."""
        if self.advertiser.enabled or self.le_scan_enable or self.refuse:
            self.refuse = max(0, self.refuse - 1)
            self.refused += 1
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        return super().on_hci_le_set_random_address_command(command)

    def on_hci_le_create_connection_cancel_command(self, _: hci.HCI_LE_Create_Connection_Cancel_Command) -> Any:
        """The connection that did not come about yet is complete, without one (7.8.13)."""
        given_up, self.pending_le_connection = self.pending_le_connection, None
        if given_up is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        over = hci.HCI_LE_Connection_Complete_Event(
            status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
            connection_handle=0,
            role=hci.Role.CENTRAL,
            peer_address_type=given_up.peer_address_type,
            peer_address=given_up.peer_address,
            connection_interval=0,
            peripheral_latency=0,
            supervision_timeout=0,
            central_clock_accuracy=0,
        )
        asyncio.get_running_loop().call_soon(self.send_hci_packet, over)  # behind the answer to the command
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def hear(self, pdu: ll.AdvInd, kind: int, rssi: int) -> None:
        """One report, of the kind that was sent, if we scan."""
        wanted = self.pending_le_connection
        if wanted is not None and kind == CONNECTABLE and wanted.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)
        if not self.le_scan_enable:
            return
        address = pdu.advertiser_address
        report = Report(event_type=kind, address_type=address.address_type, address=address, data=pdu.data, rssi=rssi)
        self.send_hci_packet(hci.HCI_LE_Advertising_Report_Event([report]))
