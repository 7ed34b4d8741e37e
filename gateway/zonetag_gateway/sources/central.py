"""Connects to tags by BlueZ (bleak).  Loaded only where the link is switched on.

BlueZ connects only to devices that it has seen itself.  It is asked to look for the identifier that is wanted by an
advertisement monitor, which goes beside every source: a discovery of its own is refused (InProgress) while the kernel
discovers for the source `mgmt`.  It is used where there are no monitors.  The looking goes on until the connection
stands, since bluetoothd forgets whom it has seen as soon as nobody looks.  There is no pairing, and what BlueZ keeps of
a tag's address is removed afterwards: the address is good for 17 minutes.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from bleak import BleakClient, BleakScanner
from bleak.args.bluez import BlueZClientArgs, BlueZScannerArgs, OrPattern, OrPatternLike
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError

from zonetag_gateway.bluez import Bus
from zonetag_gateway.central import Central, NoTalk, Talk
from zonetag_gateway.config import Config
from zonetag_gateway.errors import SourceError
from zonetag_protocol import carriage, fragments

log = logging.getLogger(__name__)

FEAA = "0000feaa-0000-1000-8000-00805f9b34fb"
EID_AT = 2  # in Eddystone's service data: frame type, TX, then the identifier
UUID = 2  # bytes of FEAA before them, which bluetoothd 5.66 counts and 5.82 does not
WAITING = 256  # parts that wait to be carried
END_S = 10.0  # for a disconnection; a bluetoothd that hangs is not waited for
FAULTS = (BleakError, OSError, EOFError, TimeoutError, AssertionError)  # the last: bleak after its bus has died


def make(config: Config) -> Central:
    """The central that [link] describes."""
    return BleakCentral(config.link.adapter or next(iter(config.source.adapters), ""))


class BleakCentral:
    """One adapter's."""

    def __init__(self, adapter: str) -> None:
        """`adapter` as hci0; "" for BlueZ's first."""
        self._to_scan: BlueZScannerArgs = {"adapter": adapter} if adapter else {}
        self._to_connect: BlueZClientArgs = {"adapter": adapter} if adapter else {}
        self._discovering = asyncio.Lock()  # one discovery at a time; monitors and connections may stand side by side

    @contextlib.asynccontextmanager
    async def talk(self, eid: bytes, limit_s: float) -> AsyncIterator[Talk]:
        """See `central.Central`."""
        talk = BleakTalk()
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(limit_s):
                    bus = await stack.enter_async_context(Bus())
                    async with self._seen(eid) as device:
                        client = BleakClient(device, talk.ended, timeout=limit_s, bluez=self._to_connect)
                        stack.push_async_callback(_forget, client)
                        await client.connect()
            except (*FAULTS, SourceError) as error:
                log.info("no connection to a tag: %s", error or "it was not found")
                raise NoTalk(carriage.UNREACHABLE) from error
            # bleak waits for ever for a bluetoothd that was killed.
            watching = asyncio.create_task(talk.end_with(bus.lost, client))
            stack.callback(watching.cancel)
            await talk.begin(client)
            yield talk

    @contextlib.asynccontextmanager
    async def _seen(self, eid: bytes) -> AsyncIterator[BLEDevice]:
        """Who advertises the identifier, from when it is seen; it is looked for until the block is left."""
        found: asyncio.Future[BLEDevice] = asyncio.get_running_loop().create_future()

        def see(device: BLEDevice, data: AdvertisementData) -> None:
            if data.service_data.get(FEAA, b"")[EID_AT : EID_AT + carriage.EID] == eid and not found.done():
                found.set_result(device)

        patterns: list[OrPatternLike] = [
            OrPattern(at, AdvertisementDataType.SERVICE_DATA_UUID16, eid) for at in (EID_AT, UUID + EID_AT)
        ]
        async with contextlib.AsyncExitStack() as stack:
            try:
                monitor = BleakScanner(see, scanning_mode="passive", bluez={**self._to_scan, "or_patterns": patterns})
                await stack.enter_async_context(monitor)
            except FAULTS as error:
                log.info("no advertisement monitor, a discovery is tried: %s", error)
                await stack.enter_async_context(self._discovering)
                await stack.enter_async_context(BleakScanner(see, bluez=self._to_scan))
            yield await found


async def _forget(client: BleakClient) -> None:
    """End the connection, and have BlueZ remove the device, which it would keep on the disk."""
    for end in (client.disconnect, client.unpair):
        with contextlib.suppress(*FAULTS):
            async with asyncio.timeout(END_S):
                await end()


class BleakTalk:
    """A connection, from `begin` on."""

    def __init__(self) -> None:
        self._parts: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING)
        self._over = False
        self._client: BleakClient
        self._down: BleakGATTCharacteristic
        self.mtu = fragments.ATT_MTU[0]

    async def begin(self, client: BleakClient) -> None:
        """Find the service and subscribe; NoTalk if it is no tag."""
        self._client = client
        up = client.services.get_characteristic(fragments.UP_UUID)
        down = client.services.get_characteristic(fragments.DOWN_UUID)
        if up is None or down is None:
            # A connection that broke while its services were looked for has none either, or not all of one; bluetoothd
            # then says that they are all found.
            uuids = {service.uuid for service in client.services}
            broken = self._over or not client.is_connected or not uuids or fragments.SERVICE_UUID in uuids
            raise NoTalk(carriage.UNREACHABLE if broken else carriage.NO_LINK)
        self._down = down
        try:
            await client.start_notify(up, self._hear)
        except FAULTS as error:
            raise NoTalk(carriage.UNREACHABLE) from error
        whole = down.max_write_without_response_size + fragments.ATT_HEADER
        self.mtu = min(fragments.ATT_MTU[1], max(fragments.ATT_MTU[0], whole))

    def ended(self, _client: BleakClient) -> None:
        """The connection is over."""
        self._over = True
        if self._parts.full():
            self._parts.get_nowait()
        self._parts.put_nowait(None)

    async def end_with(self, lost: asyncio.Event, client: BleakClient) -> None:
        """The connection is over when this happens."""
        await lost.wait()
        self.ended(client)

    async def write(self, part: bytes) -> None:
        """See `central.Talk`."""
        if self._over:
            raise ConnectionError
        try:
            await self._client.write_gatt_char(self._down, part, response=False)
        except FAULTS as error:
            raise ConnectionError from error

    async def part(self) -> bytes:
        """See `central.Talk`."""
        if self._over and self._parts.empty():
            raise ConnectionError
        part = await self._parts.get()
        if part is None:
            raise ConnectionError
        return part

    def _hear(self, _characteristic: BleakGATTCharacteristic, data: bytearray) -> None:
        if self._parts.full():  # nobody carries so slowly: what comes now would be out of order
            self.ended(self._client)
        elif not self._over:
            self._parts.put_nowait(bytes(data))
