"""A stand-in for `bluetooth`: the calls of the firmware as HCI (H4 over TCP) to a virtual controller.

As MicroPython's port of NimBLE does it: errors of set-random-address are swallowed, other refusals raise OSError, and
`connectable=False` sends scannable undirected adverts.  The controller's place is in the environment, ZONETAG_HCI.
Command numbers: Bluetooth Core 5.4, volume 4, part E, sections 7.3 and 7.8.  Events reach the firmware when it calls
something here, and after each of its sleeps (`poll`).  The attributes are `att`'s.
"""

import os
import select
import socket
import struct

import att

RESET = 0x0C03
READ_BD_ADDR = 0x1009
SET_RANDOM_ADDRESS = 0x2005
SET_ADVERTISING_PARAMETERS = 0x2006
SET_ADVERTISING_DATA = 0x2008
SET_ADVERTISING_ENABLE = 0x200A
SET_SCAN_PARAMETERS = 0x200B
SET_SCAN_ENABLE = 0x200C
DISCONNECT = 0x0406
COMMAND_COMPLETE = 0x0E
COMMAND_STATUS = 0x0F
DISCONNECTED = 0x05
LE_META = 0x3E
LE_CONNECTED = 1
LE_REPORT = 2
ATT_CHANNEL = 4
USER_ENDED = 0x13
ADV_SCAN_IND = 2
RANDOM = 1
ALL_CHANNELS = 7
ENODEV = 19

hear = None  # the stand-in without an air has one; here the air itself records
handler = None  # of the firmware


def UUID(text):
    return text


def poll():
    """Take what the controller has told meanwhile."""
    one = BLE._one
    if one is not None and one._socket is not None:
        one._poll()


class BLE:
    _one = None

    def __new__(cls):
        if cls._one is None:
            cls._one = object.__new__(cls)
            cls._one._socket = None
            cls._one._connection = None
        return cls._one

    def active(self, on=None):
        if on is None:
            return self._socket is not None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if on:
            host, port = os.getenv("ZONETAG_HCI").split(":")
            self._socket = socket.socket()
            self._socket.connect(socket.getaddrinfo(host, int(port))[0][-1])
            self._waiting = select.poll()
            self._waiting.register(self._socket, select.POLLIN)
            self._connection = None
            self._command(RESET)
            public = self._command(READ_BD_ADDR)
            self._address = (0, bytes(reversed(public[1:7])))
            self._advertising = self._scanning = False
        return bool(on)

    def irq(self, on_event):
        global handler
        handler = on_event

    def gatts_register_services(self, services):
        self._need()
        ((service, characteristics),) = services
        self._server = att.Server(service, characteristics)
        return (tuple(self._server.handles),)

    def gatts_set_buffer(self, handle, size, append=False):
        self._need()

    def gatts_read(self, handle):
        return self._server.values[handle]

    def gatts_notify(self, connection, handle, part):
        self._need()
        if connection != self._connection:
            raise OSError(12)
        if len(part) > self._server.mtu - 3:
            raise ValueError("longer than the MTU allows")  # NimBLE would cut it
        self._send_att(b"\x1b" + struct.pack("<H", handle) + part)

    def gap_disconnect(self, connection):
        self._need()
        if connection != self._connection:
            return False
        self._command(DISCONNECT, struct.pack("<HB", connection, USER_ENDED))
        return True

    def config(self, *names, **values):
        self._need()
        if names:
            return self._address
        if "addr_mode" not in values:
            return None
        if values["addr_mode"] != 3:
            raise ValueError("the firmware uses non-resolvable addresses only")
        address = bytearray(os.urandom(6))
        address[0] &= 0x3F
        if self._command(SET_RANDOM_ADDRESS, bytes(reversed(address)))[0] == 0:
            self._address = (RANDOM, bytes(address))
        return None

    def gap_scan(self, ms, interval_us=1280000, window_us=11250, active=False):
        self._need()
        if self._scanning:
            self._command(SET_SCAN_ENABLE, b"\0\0")
            self._scanning = False
        if ms is None:
            return
        own = self._address[0]
        self._check(
            self._command(
                SET_SCAN_PARAMETERS,
                struct.pack("<BHHBB", int(active), interval_us // 625, window_us // 625, own, 0),
            )
        )
        self._check(self._command(SET_SCAN_ENABLE, b"\1\0"))
        self._scanning = True

    def gap_advertise(self, us, adv_data=None, *, resp_data=None, connectable=True):
        self._need()
        if self._advertising:
            self._command(SET_ADVERTISING_ENABLE, b"\0")
            self._advertising = False
        if us is None:
            return
        if len(adv_data) > 31:
            raise OSError(-18)
        data = bytes([len(adv_data)]) + bytes(adv_data) + bytes(31 - len(adv_data))
        self._check(self._command(SET_ADVERTISING_DATA, data))
        interval = us // 625
        kind = 0 if connectable else ADV_SCAN_IND
        parameters = struct.pack("<HHBBB6sBB", interval, interval, kind, self._address[0], 0, bytes(6), ALL_CHANNELS, 0)
        self._check(self._command(SET_ADVERTISING_PARAMETERS, parameters))
        self._check(self._command(SET_ADVERTISING_ENABLE, b"\1"))
        self._advertising = True

    def _need(self):
        if self._socket is None:
            raise OSError(ENODEV)

    def _check(self, answer):
        if answer[0]:
            raise OSError(-answer[0])

    def _command(self, operation, data=b""):
        """Send a command; the return parameters of its Command Complete, or the status of its Command Status."""
        self._socket.send(b"\x01" + struct.pack("<HB", operation, len(data)) + data)
        while True:
            kind, event, body = self._packet()
            if kind == 4 and event == COMMAND_COMPLETE and body[1] | body[2] << 8 == operation:
                return body[3:]
            if kind == 4 and event == COMMAND_STATUS and body[2] | body[3] << 8 == operation:
                return body[:1]
            self._take(kind, event, body)

    def _poll(self):
        while self._waiting.poll(0):
            self._take(*self._packet())

    def _packet(self):
        """(4, event, parameters) or (2, handle, data)."""
        kind = self._read(1)[0]
        if kind == 4:
            event, length = self._read(2)
            return kind, event, self._read(length)
        handle, length = struct.unpack("<HH", self._read(4))
        return kind, handle & 0xFFF, self._read(length)

    def _take(self, kind, event, body):
        if kind == 2:
            length, channel = struct.unpack("<HH", body)
            if channel == ATT_CHANNEL and event == self._connection:
                answer = self._server.answer(body[4 : 4 + length], self._tell)
                if answer:
                    self._send_att(answer)
        elif event == LE_META and body[0] == LE_CONNECTED and body[1] == 0:
            self._connection = body[2] | body[3] << 8
            self._advertising = False
            self._server.mtu = 23
            handler(1, (self._connection, body[5], bytes(reversed(body[6:12]))))
        elif event == LE_META and body[0] == LE_REPORT and self._scanning:
            # One report an event: type, address type, address, length, data, RSSI.
            data = memoryview(body)[11 : 11 + body[10]]
            rssi = body[-1] - 256 if body[-1] > 127 else body[-1]
            handler(5, (body[3], body[4:10], body[2], rssi, data))
        elif event == DISCONNECTED and self._connection == body[1] | body[2] << 8:
            gone, self._connection = self._connection, None
            handler(2, (gone, 0, bytes(6)))

    def _tell(self, event, value):
        """Of the server: 3, a handle was written; 21, the MTU is agreed."""
        handler(event, (self._connection, value))

    def _send_att(self, pdu):
        data = struct.pack("<HH", len(pdu), ATT_CHANNEL) + pdu
        self._socket.send(b"\x02" + struct.pack("<HH", self._connection, len(data)) + data)

    def _read(self, length):
        data = b""
        while len(data) < length:
            more = self._socket.recv(length - len(data))
            if not more:
                raise OSError(ENODEV)
            data += more
        return data
