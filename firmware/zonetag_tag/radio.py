"""The radio: the only file that imports `bluetooth`.

Laws:
1. A new address and a new identifier go together.  A controller that advertises or scans refuses a new address, and the
   stack says nothing of it (Core 5.4, vol 4, part E, 7.8.4: error 0x0C), so: advertising off, scanning off, new
   address, CHECK that it changed.  Only after that may `advertise` be called again.
2. One lock owns the radio: whoever touches it holds it, and a second holder is an error, not a wait (there are no
   threads here; a second holder is a call out of an interrupt or a mistake).
3. Nothing comes in: no connection, no scan, so no interrupt handler is set and none can allocate.

| state | allowed | next |
|---|---|---|
| OFF | start | STALE |
| STALE | rotate | READY if the address changed, else STALE |
| READY | advertise, rotate, stop | ON_AIR, READY or STALE, READY |
| ON_AIR | advertise, rotate, stop | as READY |
"""

import bluetooth

OFF = "off"
STALE = "stale"
READY = "ready"
ON_AIR = "on-air"

ALLOWED = {
    "start": (OFF,),
    "rotate": (STALE, READY, ON_AIR),
    "advertise": (READY, ON_AIR),
    "stop": (READY, ON_AIR),
}

# `addr_mode` of MicroPython: each call draws a fresh non-resolvable private address.  (2, resolvable, would turn on a
# timer of the stack's own and so change the address at its own moments.)
NON_RESOLVABLE = 3
LEGACY_BYTES = 31


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
        self._ble = bluetooth.BLE()

    def start(self) -> None:
        """Switch on.  Before anything else that needs memory: the stack takes its own from outside the Python heap."""
        with self.lock:
            self._expect("start")
            self._ble.active(True)
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
            before = self.address()
            self._ble.config(addr_mode=NON_RESOLVABLE)
            if not self.changed(before):
                return False
            self.state = READY
            return True

    def changed(self, before: bytes) -> bool:
        """Whether the controller's address is another than `before`."""
        return self.address() != before

    def advertise(self, interval_ms: int, payload: bytes) -> None:
        """Send `payload` (31 bytes at most) again and again; what was sent before ends.  OSError from the stack."""
        with self.lock:
            self._expect("advertise")
            if len(payload) > LEGACY_BYTES:
                raise ValueError("legacy advertising carries 31 bytes")
            self._ble.gap_advertise(None)
            self.state = READY
            self._ble.gap_advertise(interval_ms * 1000, adv_data=payload, connectable=False)
            self.state = ON_AIR

    def stop(self) -> None:
        """Fall silent; the address stays good for what it was drawn for."""
        with self.lock:
            self._expect("stop")
            self._silence()
            self.state = READY

    def address(self) -> bytes:
        """The address on the air, as the controller has it: type byte, then 6 bytes."""
        kind, address = self._ble.config("mac")
        return bytes([kind]) + bytes(address)

    def _silence(self) -> None:
        self._ble.gap_advertise(None)
        self._ble.gap_scan(None)

    def _expect(self, call: str) -> None:
        if self.state not in ALLOWED[call]:
            raise RadioMisused(call + " while " + self.state)
