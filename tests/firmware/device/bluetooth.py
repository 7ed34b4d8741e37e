"""A stand-in for `bluetooth` without an air: it keeps what is advertised, and is as strict as the real stack.

- An address change while advertising or scanning is refused, and nothing says so.
- A call before `active(True)` raises OSError(19).  A payload over 31 bytes raises OSError(-18).
- `refuse` changes are refused whatever the state: a controller that is busy.
"""

import os

ENODEV = 19
calls = []  # names of the calls, the last ones
on_air = None  # (address, payload, interval us) or None
hear = None  # called with (address, payload, interval us) at each start of advertising
refuse = 0
refused = 0
scanning = False
advertise_fails = 0
connectable = False  # whether what is on the air is
handler = None  # of the firmware
notified = []  # parts sent on `up`
written = b""  # what `gatts_read` gives
connection = -1
DOWN, UP = 3, 5  # handles


def UUID(text):
    return text


def hear_advert(data, rssi=-60):
    """An advert comes in, if the tag scans."""
    if scanning:
        handler(5, (1, b"sender", 0, rssi, memoryview(data)))


def connect():
    global connection, on_air
    connection = 7
    on_air = None
    handler(1, (7, 1, b"client"))


def disconnect():
    global connection
    connection = -1
    handler(2, (7, 1, b"client"))


def write(part):
    global written
    written = part
    handler(3, (connection, DOWN))


class BLE:
    _one = None

    def __new__(cls):
        if cls._one is None:
            cls._one = object.__new__(cls)
            cls._one._active = False
            cls._one._address = (0, b"\xa0\xa1\xa2\xa3\xa4\xa5")
        return cls._one

    def active(self, on=None):
        global on_air, scanning
        if on is None:
            return self._active
        _note("active")
        self._active = bool(on)
        on_air = None
        scanning = False
        return self._active

    def irq(self, on_event):
        global handler
        handler = on_event

    def gatts_register_services(self, services):
        self._need()
        return ((DOWN, UP),)

    def gatts_set_buffer(self, handle, size, append=False):
        self._need()

    def gatts_read(self, handle):
        return written

    def gatts_notify(self, handle, characteristic, part):
        if handle != connection:
            raise OSError(12)
        notified.append(bytes(part))

    def gap_disconnect(self, handle):
        if handle != connection:
            return False
        disconnect()
        return True

    def config(self, *names, **values):
        global refuse, refused
        self._need()
        if names:
            if names[0] != "mac":
                raise ValueError("unknown config param")
            return self._address
        if "addr_mode" not in values:
            return None
        _note("config")
        mode = values["addr_mode"]
        if mode != 3:
            raise ValueError("the firmware uses non-resolvable addresses only")
        if on_air is not None or scanning or refuse > 0:
            refuse = max(0, refuse - 1)
            refused += 1
            return None
        address = bytearray(os.urandom(6))
        address[0] &= 0x3F
        self._address = (1, bytes(address))
        return None

    def gap_scan(self, ms, interval_us=1280000, window_us=11250, active=False):
        global scanning
        self._need()
        _note("gap_scan")
        scanning = ms is not None

    def gap_advertise(self, us, adv_data=None, *, resp_data=None, connectable=True):
        global on_air, advertise_fails
        globals()["connectable"] = connectable
        self._need()
        _note("gap_advertise")
        on_air = None
        if us is None:
            return
        if advertise_fails > 0:
            advertise_fails -= 1
            raise OSError(12)
        if len(adv_data) > 31:
            raise OSError(-18)
        if not 20000 <= us <= 10240000:
            raise OSError(22)
        on_air = (self._address, bytes(adv_data), us)
        if hear is not None:
            hear(on_air)

    def _need(self):
        if not self._active:
            raise OSError(ENODEV)


def _note(name):
    calls.append(name)
    del calls[:-32]
