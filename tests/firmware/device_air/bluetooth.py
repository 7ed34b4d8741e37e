"""A stand-in for `bluetooth`: the calls of the firmware as HCI (H4 over TCP) to a virtual controller.

As MicroPython's port of NimBLE does it: errors of set-random-address are swallowed, other refusals raise OSError, and
`connectable=False` sends scannable undirected adverts.  The controller's place is in the environment, ZONETAG_HCI.
Command numbers: Bluetooth Core 5.4, volume 4, part E, sections 7.3 and 7.8.
"""

import os
import socket
import struct

RESET = 0x0C03
READ_BD_ADDR = 0x1009
SET_RANDOM_ADDRESS = 0x2005
SET_ADVERTISING_PARAMETERS = 0x2006
SET_ADVERTISING_DATA = 0x2008
SET_ADVERTISING_ENABLE = 0x200A
SET_SCAN_PARAMETERS = 0x200B
SET_SCAN_ENABLE = 0x200C
COMMAND_COMPLETE = 0x0E
ADV_SCAN_IND = 2
RANDOM = 1
ALL_CHANNELS = 7
ENODEV = 19

hear = None  # the stand-in without an air has one; here the air itself records


class BLE:
    _one = None

    def __new__(cls):
        if cls._one is None:
            cls._one = object.__new__(cls)
            cls._one._socket = None
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
            self._command(RESET)
            public = self._command(READ_BD_ADDR)
            self._address = (0, bytes(reversed(public[1:7])))
            self._advertising = self._scanning = False
        return bool(on)

    def irq(self, handler):
        pass

    def config(self, *names, **values):
        self._need()
        if names:
            return self._address
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
        """Send a command; the return parameters of its Command Complete.  Other events are of no concern here."""
        self._socket.send(b"\x01" + struct.pack("<HB", operation, len(data)) + data)
        while True:
            kind, event, length = self._read(3)
            body = self._read(length)
            if kind == 4 and event == COMMAND_COMPLETE and body[1] | body[2] << 8 == operation:
                return body[3:]

    def _read(self, length):
        data = b""
        while len(data) < length:
            more = self._socket.recv(length - len(data))
            if not more:
                raise OSError(ENODEV)
            data += more
        return data
