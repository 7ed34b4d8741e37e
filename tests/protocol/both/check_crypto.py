"""AES-128, AES-CMAC, HMAC-SHA256 and HKDF-SHA256 against their own documents."""

from both import vectors
from both.expect import refused, same

from zonetag_protocol import crypto

RFC4493_KEY = "2b7e151628aed2a6abf7158809cf4f3c"
RFC4493_MESSAGE = (
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17"
    "ad2b417be66c3710"
)
RFC4493 = (  # bytes of the message, MAC
    (0, "bb1d6929e95937287fa37d129b756746"),
    (16, "070a16b46b4d4144f79bdd9dd04a287c"),
    (40, "dfa66747de9ae63030ca32611497c827"),
    (64, "51f0bebf7e3b9d92fc49741779363cfe"),
)

RFC4231 = (  # key, message, HMAC-SHA256 (test cases 1 to 7; the fifth is cut to 128 bits)
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (
        bytes(range(1, 26)),
        b"\xcd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
    (b"\x0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        b"\xaa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to be"
        b" hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
)

RFC5869 = (  # secret, salt, info, output (test cases 1 to 3)
    (
        b"\x0b" * 22,
        bytes(range(13)),
        bytes(range(0xF0, 0xFA)),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        bytes(range(0x00, 0x50)),
        bytes(range(0x60, 0xB0)),
        bytes(range(0xB0, 0x100)),
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ),
    (
        b"\x0b" * 22,
        b"",
        b"",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
)


def check_aes() -> None:
    """FIPS 197, appendix C.1; two blocks in one call are two calls."""
    aes = crypto.Aes(bytes(range(16)))
    plain = bytes.fromhex("00112233445566778899aabbccddeeff")
    cipher = bytes.fromhex("69c4e0d86a7b0430d8cdb78070b4c55a")
    same(aes.encrypt(plain), cipher)
    same(aes.encrypt(plain + plain), cipher + cipher)
    same(aes.encrypt(b""), b"")


def check_sizes() -> None:
    """A key or block of another size is refused by both backends in the same way."""
    for size in (0, 15, 17, 24, 32):
        refused(ValueError, crypto.Aes, bytes(size))
        refused(ValueError, crypto.cmac, bytes(size), b"")
    for size in (1, 15, 17):
        refused(ValueError, crypto.Aes(bytes(16)).encrypt, bytes(size))
    for length in (-1, 0, 8161):
        refused(ValueError, crypto.hkdf_sha256, b"secret", b"", b"", length)


def check_cmac() -> None:
    key, message = bytes.fromhex(RFC4493_KEY), bytes.fromhex(RFC4493_MESSAGE)
    for length, mac in RFC4493:
        same(crypto.cmac(key, message[:length]).hex(), mac, length)


def check_cmac_wycheproof() -> None:
    """Each line: 01 valid or 00 invalid, key, message, MAC."""
    count = 0
    for valid, key, message, mac in vectors.lines("wycheproof_cmac"):
        same(crypto.same(crypto.cmac(key, message), mac), valid == b"\x01", (key, message))
        count += 1
    same(count > 90, True, "vectors")


def check_hmac() -> None:
    for key, message, mac in RFC4231:
        same(crypto.hmac_sha256(key, message)[: len(mac) // 2].hex(), mac, message)


def check_hkdf() -> None:
    for secret, salt, info, out in RFC5869:
        same(crypto.hkdf_sha256(secret, salt, info, len(out) // 2).hex(), out, info)


def check_sha256() -> None:
    same(crypto.sha256(b"abc").hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    same(crypto.sha256(b"").hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")


def check_same() -> None:
    mac = bytes(range(4))
    same(crypto.same(mac, bytes(range(4))), True)
    same(crypto.same(b"", b""), True)
    for bit in range(32):
        other = bytearray(mac)
        other[bit // 8] ^= 1 << bit % 8
        same(crypto.same(mac, bytes(other)), False, bit)
    same(crypto.same(mac, mac[:3]), False)
    same(crypto.same(mac[:3], mac), False)


def check_backends_agree() -> None:
    """Random inputs that a third implementation answered: key, message, CMAC, HMAC, HKDF of 45 bytes, one AES block."""
    count = 0
    for key, message, mac, hmac, derived, block in vectors.lines("random_crypto"):
        same(crypto.cmac(key, message), mac, (key, message))
        same(crypto.hmac_sha256(key, message), hmac, (key, message))
        same(crypto.hkdf_sha256(message, key, key + message, 45), derived, (key, message))
        same(crypto.Aes(key).encrypt(key), block, key)
        count += 1
    same(count > 20, True, "vectors")
