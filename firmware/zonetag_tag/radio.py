"""The radio: the only file that imports `bluetooth`.

Laws:
1. A new address and a new identifier go together.  A controller that advertises or scans refuses a new address, and the
   stack says nothing of it (Core 5.4, vol 4, part E, 7.8.4: error 0x0C), so: advertising off, scanning off, new
   address, CHECK that it changed.  Only after that may `advertise` be called again.
2. One lock owns the radio: whoever touches it holds it, and a second holder is an error, not a wait (there are no
   threads here; a second holder is a call out of an interrupt or a mistake).
3. What comes in is hostile.  The interrupt's handler allocates nothing for adverts (any number may come), and keeps a
   bounded number of writes of the one connection that there can be.
4. One connection never joins two addresses: `rotate` ends it, and refuses while it is still there.

| state | allowed | next |
|---|---|---|
| OFF | start | STALE |
| STALE | rotate | READY if the address changed, else STALE |
| READY | advertise, rotate, stop | ON_AIR, READY or STALE, READY |
| ON_AIR | advertise, rotate, stop, look | as READY |
"""

import bluetooth

from zonetag_protocol import fragments
from zonetag_tag.contacts import Ear

OFF = "off"
STALE = "stale"
READY = "ready"
ON_AIR = "on-air"

ALLOWED = {
    "start": (OFF,),
    "rotate": (STALE, READY, ON_AIR),
    "advertise": (READY, ON_AIR),
    "stop": (READY, ON_AIR),
    "look": (ON_AIR,),
}

# `addr_mode` of MicroPython: each call draws a fresh non-resolvable private address.  (2, resolvable, would turn on a
# timer of the stack's own and so change the address at its own moments.)
NON_RESOLVABLE = 3
LEGACY_BYTES = 31
LOOK_US = 30000  # scan window and interval: the receiver is on all the time of a look, but for our own adverts

# Events of MicroPython's `bluetooth`, and the flags of a characteristic.
CONNECTED = 1
DISCONNECTED = 2
WRITTEN = 3
SCANNED = 5
MTU_EXCHANGED = 21
WRITE = 0x0008
WRITE_NO_RESPONSE = 0x0004
NOTIFY = 0x0010
MOST_WAITING = 1024  # bytes of writes that wait: the backend has one message of 512 on its way at a time
PART_COST = 16  # bytes that a waiting write is reckoned to take besides its own
NOBODY = -1
EBUSY = 16


class RadioMisused(Exception):
    """A call out of order: the address is not known to be new, or somebody else holds the radio."""


class Lock:
    """Owned by one holder at a time; `with lock:`."""

    def __init__(self) -> None:
        self.held = False

    def __enter__(self) -> None:
        if self.held:
            raise RadioMisused("the radio is in use")
        self.held = True

    def __exit__(self, *_: object) -> None:
        self.held = False


class Radio:
    """Legacy advertising of one payload under an address that is replaced on demand."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.state = OFF
        self.mtu = fragments.ATT_MTU[0]
        self.flooded = False  # more was written than fits
        self._ble = bluetooth.BLE()
        self._ear: Ear | None = None  # is told of each advert, while looking
        self._connection = NOBODY
        self._parts: list[bytes] = []
        self._waiting = 0  # bytes, of those parts
        self._down = self._up = 0  # handles of the two characteristics

    def start(self) -> None:
        """Switch on.  Before anything else that needs memory: the stack takes its own from outside the Python heap."""
        with self.lock:
            self._expect("start")
            self._ble.active(True)
            self._serve()
            self.state = STALE

    def restart(self) -> None:
        """Off and on again, for a stack that no longer does what it is told."""
        with self.lock:
            self._ble.active(False)
            self.state = OFF
        self.start()

    def rotate(self) -> bool:
        """Fall silent and take a new address.  False: it did not change, and nothing may be advertised."""
        with self.lock:
            self._expect("rotate")
            self.state = STALE
            self._silence()
            self._hang_up()
            before = self.address()
            self._ble.config(addr_mode=NON_RESOLVABLE)
            if not self.changed(before):
                return False
            self.state = READY
            return True

    def changed(self, before: bytes) -> bool:
        """Whether the controller's address is another than `before`."""
        return self.address() != before

    def advertise(self, interval_ms: int, payload: bytes, connectable: bool = False) -> None:
        """Send `payload` (31 bytes at most) again and again; what was sent before ends.  OSError from the stack."""
        with self.lock:
            self._expect("advertise")
            if len(payload) > LEGACY_BYTES:
                raise ValueError("legacy advertising carries 31 bytes")
            self._ble.gap_advertise(None)
            self.state = READY
            self._ble.gap_advertise(interval_ms * 1000, adv_data=payload, connectable=connectable)
            self.state = ON_AIR

    def stop(self) -> None:
        """Fall silent; the address stays good for what it was drawn for."""
        with self.lock:
            self._expect("stop")
            self._silence()
            self.state = READY

    def look(self, ear: Ear) -> None:
        """Hand each advert that is heard to `ear.hear(data, rssi)`, in the interrupt.  Passive: nothing is sent."""
        with self.lock:
            self._expect("look")
            self._ear = ear
            self._ble.gap_scan(0, LOOK_US, LOOK_US, False)

    def looking(self) -> bool:
        """Whether a look is under way (a rotation ends it)."""
        return self._ear is not None

    def look_away(self) -> None:
        """End the look."""
        with self.lock:
            self._ear = None
            self._ble.gap_scan(None)

    def connected(self) -> bool:
        """Whether somebody is connected."""
        return self._connection != NOBODY

    def take_parts(self) -> list[bytes]:
        """What was written to `down` since last asked."""
        parts, self._parts = self._parts, []
        self._waiting = 0
        return parts

    def notify(self, part: bytes) -> bool:
        """Send a part on `up`; False if the stack has no room now: try again later."""
        if self._connection == NOBODY:
            return False
        try:
            self._ble.gatts_notify(self._connection, self._up, part)
        except OSError:
            return False
        return True

    def drop(self) -> None:
        """End the connection; `connected` tells when it is gone."""
        if self._connection == NOBODY:
            return
        try:
            self._ble.gap_disconnect(self._connection)
        except OSError:  # it is ending already
            return

    def address(self) -> bytes:
        """The address on the air, as the controller has it: type byte, then 6 bytes."""
        kind, address = self._ble.config("mac")
        return bytes([kind]) + bytes(address)

    def _silence(self) -> None:
        self._ear = None
        self._ble.gap_advertise(None)
        self._ble.gap_scan(None)

    def _hang_up(self) -> None:
        """Called in `rotate`; who is connected is gone before a new address can be taken, or none is taken."""
        self.drop()
        if self._connection != NOBODY:
            raise OSError(EBUSY, "a connection does not end")

    def _serve(self) -> None:
        self._connection = NOBODY
        self._parts = []
        self._ble.irq(self._on_event)
        # The same for all tags: a name or a table of attributes of its own would be a fingerprint.
        self._ble.config(gap_name="", mtu=fragments.ATT_MTU[1])
        down = (bluetooth.UUID(fragments.DOWN_UUID), WRITE | WRITE_NO_RESPONSE)
        up = (bluetooth.UUID(fragments.UP_UUID), NOTIFY)
        ((self._down, self._up),) = self._ble.gatts_register_services(
            ((bluetooth.UUID(fragments.SERVICE_UUID), (down, up)),)
        )
        self._ble.gatts_set_buffer(self._down, fragments.ATT_MTU[1] - fragments.ATT_HEADER)

    def _on_event(self, event: int, data: tuple[int, ...]) -> None:
        # In an interrupt of the stack.  `data` is the stack's too: nothing of it may be kept without a copy.
        if event == SCANNED:
            if self._ear is not None:
                self._ear.hear(data[4], data[3])  # type: ignore[arg-type]  # a memoryview, of this event
        elif event == CONNECTED:
            if self._connection == NOBODY:
                self._connection = data[0]
                self.mtu = fragments.ATT_MTU[0]
                self.flooded = False
                self._parts = []
                self._waiting = 0
            else:
                self._ble.gap_disconnect(data[0])
        elif event == DISCONNECTED:
            if data[0] == self._connection:
                self._connection = NOBODY
        elif event == WRITTEN:
            if self.flooded:
                return
            part = self._ble.gatts_read(self._down)
            self._waiting += len(part) + PART_COST
            if self._waiting <= MOST_WAITING:
                self._parts.append(part)
            else:
                self.flooded = True
        elif event == MTU_EXCHANGED:
            self.mtu = max(fragments.ATT_MTU[0], min(fragments.ATT_MTU[1], data[1]))

    def _expect(self, call: str) -> None:
        if self.state not in ALLOWED[call]:
            raise RadioMisused(call + " while " + self.state)
