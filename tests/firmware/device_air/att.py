"""An ATT server with one primary service: what NimBLE does for the firmware (Bluetooth Core 5.4, volume 3, part F)."""

import struct

PRIMARY = 0x2800
CHARACTERISTIC = 0x2803
CONFIGURATION = 0x2902
NOTIFY = 0x10
MOST_MTU = 247
NOT_FOUND = 0x0A
NOT_SUPPORTED = 0x06


def _uuid(text):
    return bytes(reversed(bytes.fromhex(text.replace("-", ""))))


class Server:
    """Handles from 1: the service, then declaration and value (and configuration) of each characteristic."""

    def __init__(self, service, characteristics):
        self.mtu = 23
        self.handles = []  # of the values
        self.values = {1: _uuid(service)}
        self._types = {1: PRIMARY}
        at = 2
        for uuid, flags in characteristics:
            self._types[at] = CHARACTERISTIC
            self.values[at] = bytes([flags]) + struct.pack("<H", at + 1) + _uuid(uuid)
            self._types[at + 1] = _uuid(uuid)
            self.values[at + 1] = b""
            self.handles.append(at + 1)
            at += 2
            if flags & NOTIFY:
                self._types[at] = CONFIGURATION
                self.values[at] = bytes(2)
                at += 1
        self._last = at - 1

    def answer(self, pdu, tell):
        """The answer to a request, or None; `tell(3, handle)` for a write, `tell(21, mtu)` for an MTU."""
        code = pdu[0]
        if code == 0x02:
            self.mtu = max(23, min(MOST_MTU, pdu[1] | pdu[2] << 8))
            tell(21, self.mtu)
            return b"\x03" + struct.pack("<H", MOST_MTU)
        if code in (0x12, 0x52):
            handle = pdu[1] | pdu[2] << 8
            self.values[handle] = bytes(pdu[3:])
            if handle in self.handles:
                tell(3, handle)
            return b"\x13" if code == 0x12 else None
        if code == 0x0A:
            handle = pdu[1] | pdu[2] << 8
            return b"\x0b" + self.values[handle] if handle in self.values else self._error(code, handle)
        if code in (0x04, 0x06, 0x08, 0x10):
            first, last = struct.unpack("<HH", pdu[1:5])
            found = list(range(first, min(last, self._last) + 1))
            return self._find(code, pdu, found) or self._error(code, first)
        return None if code == 0x1E else self._error(code, 0, NOT_SUPPORTED)

    def _find(self, code, pdu, among):
        if code == 0x10:  # by group: the one service, a primary one (BlueZ asks for secondary ones, too)
            wanted = 1 in among and pdu[5:] == struct.pack("<H", PRIMARY)
            return b"\x11\x14" + struct.pack("<HH", 1, self._last) + self.values[1] if wanted else None
        if code == 0x06:  # the service of a UUID
            return b"\x07" + struct.pack("<HH", 1, self._last) if 1 in among and pdu[7:] == self.values[1] else None
        if code == 0x08:
            wanted = pdu[5] | pdu[6] << 8
            found = [handle for handle in among if self._types[handle] == wanted]
            if not found:
                return None
            rows = b"".join([struct.pack("<H", handle) + self.values[handle] for handle in found])
            return b"\x09" + bytes([2 + len(self.values[found[0]])]) + rows[: self.mtu // 21 * 21]
        wide = [handle for handle in among if isinstance(self._types[handle], bytes)]
        if among and among[0] in wide:
            return b"\x05\x02" + struct.pack("<H", among[0]) + self._types[among[0]]
        narrow = [handle for handle in among if handle not in wide]
        return b"\x05\x01" + struct.pack("<HH", narrow[0], self._types[narrow[0]]) if narrow else None

    def _error(self, code, handle, why=NOT_FOUND):
        return b"\x01" + bytes([code]) + struct.pack("<HB", handle, why)
