"""A tag's frame a second time, from SPEC.md and FIPS 197 alone: shares no line and no library with the package.

Slow and plain on purpose.  The tests compare both on random inputs.
"""

import hashlib
import hmac


def _times_x(a: int) -> int:
    return (a << 1 ^ 0x11B) if a & 0x80 else a << 1


def _s_box() -> list[int]:
    """FIPS 197 section 5.1.1: the inverse in GF(2^8), then an affine map."""
    power, log = [1], {1: 0}
    for i in range(1, 255):  # powers of the generator 3
        power.append(power[-1] ^ _times_x(power[-1]))
        log[power[-1]] = i
    box = []
    for a in range(256):
        b = power[-log[a] % 255] if a else 0
        box.append(b ^ 0x63)
        for i in range(1, 5):
            box[a] ^= (b << i | b >> (8 - i)) & 0xFF
    return box


_S = _s_box()


def aes128(key: bytes, block: bytes) -> bytes:
    """FIPS 197 section 5.1: one block."""
    words = [list(key[i : i + 4]) for i in range(0, 16, 4)]
    constant = 1
    for i in range(4, 44):
        word = words[i - 1]
        if i % 4 == 0:
            word = [_S[b] for b in word[1:] + word[:1]]
            word[0] ^= constant
            constant = _times_x(constant)
        words.append([a ^ b for a, b in zip(words[i - 4], word, strict=True)])
    keys = [[b for word in words[4 * r : 4 * r + 4] for b in word] for r in range(11)]
    state = [a ^ b for a, b in zip(block, keys[0], strict=True)]
    for r in range(1, 11):
        state = [_S[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]  # bytes and rows
        if r < 10:
            mixed = []
            for c in range(0, 16, 4):
                a = state[c : c + 4]
                for i in range(4):
                    b, d = a[i], a[(i + 1) % 4]
                    mixed.append(_times_x(b) ^ _times_x(d) ^ d ^ a[(i + 2) % 4] ^ a[(i + 3) % 4])
            state = mixed
        state = [a ^ b for a, b in zip(state, keys[r], strict=True)]
    return bytes(state)


def cmac(key: bytes, message: bytes) -> bytes:
    """NIST SP 800-38B on whole numbers."""
    doubled = int.from_bytes(aes128(key, bytes(16)), "big")
    complete = bool(message) and len(message) % 16 == 0
    for _ in range(1 if complete else 2):
        doubled <<= 1
        if doubled >> 128:
            doubled ^= (1 << 128) | 0x87
    if not complete:
        message += b"\x80" + bytes(-(len(message) + 1) % 16)
    chain = 0
    for at in range(0, len(message), 16):
        chain ^= int.from_bytes(message[at : at + 16], "big")
        if at + 16 == len(message):
            chain ^= doubled
        chain = int.from_bytes(aes128(key, chain.to_bytes(16, "big")), "big")
    return chain.to_bytes(16, "big")


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 on the standard library's HMAC."""
    extracted = hmac.new(salt or bytes(32), secret, hashlib.sha256).digest()
    out, block = b"", b""
    for i in range(1, -(-length // 32) + 1):
        block = hmac.new(extracted, block + info + bytes([i]), hashlib.sha256).digest()
        out += block
    return out[:length]


def advert(master: bytes, t: int, status: int, tx: int, company: int) -> bytes:
    """SPEC.md sections 3 to 5."""
    k_eid, k_mac, k_enc = (hkdf(master, b"", f"zonetag v1 {x}".encode(), 16) for x in ("eid", "mac", "enc"))
    temporary = aes128(k_eid, bytes.fromhex(f"{'00' * 11}ff0000{t // 65536:04x}"))
    eid = aes128(temporary, bytes.fromhex(f"{'00' * 11}0a{t // 1024 * 1024:08x}"))[:8]
    sub = t % 1024 // 4
    mac = cmac(k_mac, bytes.fromhex(f"01{t // 1024:08x}{eid.hex()}{sub:02x}{status:02x}"))[:4]
    pad = aes128(k_enc, eid + mac + bytes(4))
    low, high = company % 256, company // 256
    return bytes.fromhex(
        f"0201060303aafe0d16aafe30{tx % 256:02x}{eid.hex()}09ff{low:02x}{high:02x}"
        f"{sub ^ pad[0]:02x}{status ^ pad[1]:02x}{mac.hex()}"
    )


def ccm(key: bytes, nonce: bytes, aad: bytes, message: bytes) -> bytes:
    """RFC 3610 with M = 8, L = 2 on lists of numbers; fewer than 65280 bytes of associated data."""
    blocks = [bytes([(0x40 if aad else 0) + 8 * 3 + 1]) + nonce + len(message).to_bytes(2)]
    for stream in (len(aad).to_bytes(2) + aad if aad else b"", message):
        padded = stream + bytes(-len(stream) % 16)
        blocks += [padded[at : at + 16] for at in range(0, len(padded), 16)]
    chain = bytes(16)
    for block in blocks:
        chain = aes128(key, bytes(a ^ b for a, b in zip(chain, block, strict=True)))
    out = [m ^ aes128(key, b"\1" + nonce + (i // 16 + 1).to_bytes(2))[i % 16] for i, m in enumerate(message)]
    first = aes128(key, b"\1" + nonce + bytes(2))
    return bytes(out) + bytes(a ^ b for a, b in zip(chain[:8], first[:8], strict=True))


def hello(k_link: bytes, epoch: int, nb: bytes) -> bytes:
    """SPEC.md section 12.3."""
    key = hkdf(k_link, b"", b"zonetag v1 link hello", 16)
    return b"\1\1" + nb + cmac(key, bytes.fromhex(f"0101{epoch:08x}{nb.hex()}"))[:8]


def session_keys(k_link: bytes, hello: bytes, answer: bytes) -> tuple[bytes, bytes]:
    """SPEC.md section 12.3: (k_down, k_up)."""
    both = hkdf(k_link, hashlib.sha256(hello + answer).digest(), b"zonetag v1 link session", 32)
    return both[:16], both[16:]


def sealed(key: bytes, direction: int, counter: int, plain: bytes) -> bytes:
    """SPEC.md section 12.3: one message of a session."""
    return b"\3" + ccm(key, bytes.fromhex(f"{direction:02x}0000000000000000{counter:08x}"), b"\3\1", plain)
