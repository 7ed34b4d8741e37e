"""`frame.seal` for one tag with its ciphers made once: a simulated day needs some ten thousand frames."""

from zonetag_protocol.crypto import BLOCK, Aes
from zonetag_protocol.frame import DEFAULT_TX_DBM, HEAD, MAC, SEALED, TEST_COMPANY
from zonetag_protocol.rotation import EID, derive_keys, eid_of, epoch_of, slot_of

_X128 = 0x87  # x^128 in CMAC's field (RFC 4493 section 2.3)
_REST = bytes(BLOCK - EID - MAC)  # behind EID | MAC in the keystream block
_HEAD = HEAD + bytes([DEFAULT_TX_DBM & 0xFF])
_BETWEEN = b"\x09\xff" + TEST_COMPANY.to_bytes(2, "little")


class Sealer:
    """What a tag with one master key sends."""

    __slots__ = ("_eids", "_enc", "_k2", "_k_eid", "_mac")

    def __init__(self, master: bytes) -> None:
        keys = derive_keys(master)
        self._enc, self._mac, self._k_eid = Aes(keys.enc).encrypt, Aes(keys.mac).encrypt, keys.eid
        k = int.from_bytes(self._mac(bytes(BLOCK)), "big")
        for _ in range(2):
            k = (k << 1) & ((1 << 128) - 1) ^ (_X128 if k >> 127 else 0)
        self._k2 = k
        self._eids: dict[int, bytes] = {}

    def seal(self, t: int, status: int) -> bytes:
        """The 31 bytes of the slot of second `t` of its clock."""
        epoch, sub = epoch_of(t), slot_of(t)
        eid = self._eids.get(epoch)
        if eid is None:
            eid = self._eids[epoch] = eid_of(self._k_eid, t)
        covered = b"\x01" + epoch.to_bytes(4, "big") + eid + bytes((sub, status, 0x80))
        mac = self._mac((int.from_bytes(covered, "big") ^ self._k2).to_bytes(BLOCK, "big"))[:MAC]
        pad = self._enc(eid + mac + _REST)[:SEALED]
        return _HEAD + eid + _BETWEEN + bytes((sub ^ pad[0], status ^ pad[1])) + mac
