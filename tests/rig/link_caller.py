"""A real central on a virtual air that talks to a tag: bumble's GATT client, and the backend's end of `link`.

    caller = Caller(await air.central(), k_link)
    status = await caller.call(address, epoch)          # connects, says hello, takes answer and status
    records = await caller.fetch(status.first, 100)
    code, value = await caller.order(linkmessage.FIND_ME, linkmessage.pack_find_me(30))
    await caller.end()

The air's time goes on only as the tags' steps do, so nothing here depends on this machine's speed.
"""

import asyncio
import secrets
from typing import Any

from bumble import hci
from bumble.core import UUID
from bumble.device import Connection, Device, Peer
from bumble.gatt_client import CharacteristicProxy

from zonetag_protocol import fragments, link, linkmessage

MOST_S = 60  # real seconds for one step
MTU = 185


class Gone(Exception):
    """The tag ended the connection."""


class Caller:
    """One central, one connection at a time."""

    def __init__(self, device: Device, k_link: bytes, mtu: int = MTU) -> None:
        self.end_of_session: link.End | None = None
        self.device = device
        self._k_link = k_link
        self._mtu = mtu
        self._connection: Connection | None = None
        self._down: CharacteristicProxy[bytes] | None = None
        self._parts: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._joiner = fragments.Joiner()
        self.sent: list[bytes] = []  # whole messages, as they went out
        self.heard: list[bytes] = []  # parts, as they came in

    async def connect(self, address: bytes) -> None:
        """Connect to the tag at `address` (type byte and 6 bytes) and find its service."""
        kind = hci.AddressType(address[0])
        peer_address = hci.Address(bytes(reversed(address[1:])), kind)
        async with asyncio.timeout(MOST_S):
            connection = await self.device.connect(peer_address, own_address_type=hci.OwnAddressType.RANDOM)
            self._connection = connection
            self._parts = asyncio.Queue()
            self._joiner = fragments.Joiner()
            connection.on("disconnection", lambda _reason: self._parts.put_nowait(None))
            peer = Peer(connection)
            await peer.request_mtu(self._mtu)
            services = await peer.discover_service(UUID(fragments.SERVICE_UUID))
            characteristics = await services[0].discover_characteristics()
            found = {str(one.uuid).lower(): one for one in characteristics}
            self._down = found[fragments.DOWN_UUID]
            await peer.subscribe(found[fragments.UP_UUID], self._take)

    async def call(self, address: bytes, epoch: int) -> linkmessage.Status:
        """Connect and open a session."""
        await self.connect(address)
        end = self.end_of_session = link.backend_end(self._k_link, epoch, secrets.token_bytes(link.NONCE))
        await self.write(end.begin())
        assert end.receive(await self.message()) is None
        got = end.receive(await self.message())
        assert got is not None
        assert got.type == linkmessage.STATUS
        return linkmessage.unpack_status(got.body)

    async def order(self, kind: int, body: bytes = b"") -> tuple[int, int]:
        """Send a command and take its `done`: (code, value)."""
        await self.say(kind, body)
        got = await self.answer()
        assert got.type == linkmessage.DONE, got
        command, code, value = linkmessage.unpack_done(got.body)
        assert command == kind
        return code, value

    async def fetch(self, first: int, most: int) -> dict[int, bytes]:
        """Records by number."""
        await self.say(linkmessage.FETCH, linkmessage.pack_fetch(first, most))
        records: dict[int, bytes] = {}
        while len(records) < most:
            number, chunk = linkmessage.unpack_contacts((await self.answer()).body)
            if not chunk:
                break
            records |= {number + i: record for i, record in enumerate(chunk)}
        return records

    async def say(self, kind: int, body: bytes = b"") -> None:
        """Send one sealed message."""
        assert self.end_of_session is not None
        await self.write(self.end_of_session.seal(kind, body))

    async def answer(self) -> link.Message:
        """The next sealed message, opened."""
        assert self.end_of_session is not None
        got = self.end_of_session.receive(await self.message())
        assert got is not None
        return got

    async def write(self, message: bytes) -> None:
        """Send a whole message, in parts."""
        self.sent.append(message)
        for part in fragments.split(message, self._mtu):
            await self.write_part(part)

    async def write_part(self, part: bytes) -> None:
        """Send one part as it is; Gone if there is no connection."""
        assert self._down is not None
        if self._connection is None or self._connection.handle not in self.device.connections:
            raise Gone
        await self._down.write_value(part, with_response=False)

    async def message(self) -> bytes:
        """The next whole message of the tag; Gone when it ends the connection."""
        while True:
            async with asyncio.timeout(MOST_S):
                part = await self._parts.get()
            if part is None:
                raise Gone
            self.heard.append(part)
            whole = self._joiner.take(part)
            if whole is not None:
                return whole

    async def part(self) -> bytes | None:
        """The next part as it came; None when the connection is over."""
        return await self._parts.get()

    async def hang_up(self) -> None:
        """End the connection from our side, if it stands."""
        if self._connection is not None and self._connection.handle in self.device.connections:
            await self._connection.disconnect()

    async def gone(self) -> None:
        """Wait until the tag has ended the connection."""
        try:
            while True:
                await self.message()
        except Gone:
            return

    async def end(self) -> None:
        """Say goodbye, and wait until it is over."""
        await self.say(linkmessage.BYE)
        await self.gone()

    def _take(self, value: Any) -> None:
        self._parts.put_nowait(bytes(value))
