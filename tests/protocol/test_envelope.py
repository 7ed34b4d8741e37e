"""The envelope against RFC 9052, built a second time by hand."""

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from zonetag_protocol import envelope
from zonetag_protocol.errors import Forged, Malformed

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
PROTECTED = b"\xa1\x01\x27"  # {1: -8}


def _head(major: int, n: int) -> bytes:
    """RFC 8949 section 3: the shortest head of an item."""
    for extra, size in ((24, 1), (25, 2), (26, 4)):
        if n < 24:
            return bytes([major << 5 | n])
        if n < 1 << 8 * size:
            return bytes([major << 5 | extra]) + n.to_bytes(size)
    raise AssertionError("longer than any message")


def _bytes(data: bytes) -> bytes:
    return _head(2, len(data)) + data


def _to_sign(payload: bytes, about: str) -> bytes:
    """RFC 9052 section 4.4: Sig_structure = [context, body_protected, external_aad, payload]."""
    aad = b"zonetag v1 " + about.encode()
    return _head(4, 4) + _head(3, 10) + b"Signature1" + _bytes(PROTECTED) + _bytes(aad) + _bytes(payload)


def _sealed(payload: bytes, signature: bytes, protected: bytes = PROTECTED, unprotected: bytes = b"\xa0") -> bytes:
    return b"\xd2\x84" + _bytes(protected) + unprotected + _bytes(payload) + _bytes(signature)


@given(st.binary(max_size=400), st.sampled_from(["report", "ack", "", "đ"]))
def test_signed_envelope_byte_for_byte(payload: bytes, about: str) -> None:
    wanted = _sealed(payload, KEY.sign(_to_sign(payload, about)))
    assert envelope.wrap(payload, about, KEY) == wanted
    assert envelope.unwrap(wanted, about, KEY.public_key()) == payload
    assert envelope.unwrap(wanted, about) == payload


@given(st.binary(max_size=400))
def test_unsigned_envelope_byte_for_byte(payload: bytes) -> None:
    wanted = _sealed(payload, b"", protected=b"")
    assert envelope.wrap(payload, "report") == wanted
    assert envelope.unwrap(wanted, "report") == payload
    with pytest.raises(Forged):
        envelope.unwrap(wanted, "report", KEY.public_key())


@pytest.mark.parametrize(
    "data",
    [
        _sealed(b"payload", OTHER.sign(_to_sign(b"payload", "report"))),
        _sealed(b"payload", KEY.sign(_to_sign(b"payload", "ack"))),
        _sealed(b"payload", KEY.sign(_to_sign(b"payloae", "report"))),
        _sealed(b"payload", KEY.sign(b"payload")),
        _sealed(b"payload", b""),
        _sealed(b"payload", KEY.sign(_to_sign(b"payload", "report"))[:63]),
        _sealed(b"payload", KEY.sign(_to_sign(b"payload", "report")) + b"\0"),
        _sealed(b"payload", bytes(64)),
        _sealed(b"payload", KEY.sign(_to_sign(b"payload", "report")), protected=b""),
    ],
    ids=["key", "context", "payload", "bare", "none", "short", "long", "zeros", "header"],
)
def test_signature_that_does_not_fit(data: bytes) -> None:
    with pytest.raises(Forged):
        envelope.unwrap(data, "report", KEY.public_key())


def test_each_flipped_bit_is_refused() -> None:
    data = envelope.wrap(b"some payload", "report", KEY)
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises((Forged, Malformed)):
            envelope.unwrap(bytes(flipped), "report", KEY.public_key())


def test_truncated_and_trailing() -> None:
    for data in (envelope.wrap(b"some payload", "report", KEY), envelope.wrap(b"some payload", "report")):
        for cut in range(len(data)):
            with pytest.raises(Malformed):
                envelope.unwrap(data[:cut], "report")
        for more in (b"\0", b"\xf6", data):
            with pytest.raises(Malformed):
                envelope.unwrap(data + more, "report")


@pytest.mark.parametrize(
    "data",
    [
        cbor2.dumps([b"", {}, b"x", b""]),
        cbor2.dumps(cbor2.CBORTag(17, [b"", {}, b"x", b""])),
        cbor2.dumps(cbor2.CBORTag(18, {})),
        cbor2.dumps(cbor2.CBORTag(18, b"")),
        cbor2.dumps(cbor2.CBORTag(18, [b"", {}, b"x"])),
        cbor2.dumps(cbor2.CBORTag(18, [b"", {}, b"x", b"", b""])),
        cbor2.dumps(cbor2.CBORTag(18, ["", {}, b"x", b""])),
        cbor2.dumps(cbor2.CBORTag(18, [b"", {}, None, b""])),
        cbor2.dumps(cbor2.CBORTag(18, [b"", {}, b"x", None])),
        cbor2.dumps(cbor2.CBORTag(18, [b"", [], b"x", b""])),
        cbor2.dumps(cbor2.CBORTag(18, [b"", {1: -8}, b"x", b""])),
        cbor2.dumps(cbor2.CBORTag(18, [b"\xa0", {}, b"x", b""])),
        cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps({1: -7}), {}, b"x", bytes(64)])),  # ES256: no choice of algorithm
        cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps({1: -8, 4: b"k"}), {}, b"x", bytes(64)])),
        b"\xd2\x9f\x40\xa0\x41x\x40\xff",  # indefinite lengths
        b"\xd2\x84\x40\xa0\x5f\x41x\xff\x40",
        b"\xd2\x84\x40\xbf\xff\x41x\x40",
        b"\xd9\xd9\xf7" + cbor2.dumps(cbor2.CBORTag(18, [b"", {}, b"x", b""])),  # "this is CBOR"
        b"\x81" * 200 + b"\0",
        b"\x81" * 100_000 + b"\0",
        b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",  # a string of 2^64 - 1 bytes
        b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xbb\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\xd2\x9a\xff\xff\xff\xff",
        b"\xd2\x84\x40\xa0\x5a\x0f\xff\xff\xff",
        bytes(envelope.MAX_BYTES + 1),
    ],
)
def test_what_is_no_envelope(data: bytes) -> None:
    for key in (None, KEY.public_key()):
        with pytest.raises(Malformed):
            envelope.unwrap(data, "report", key)


def test_largest_message() -> None:
    room = envelope.MAX_BYTES - len(_sealed(bytes(70_000), b"", protected=b"")) + 70_000
    assert envelope.unwrap(envelope.wrap(bytes(room), "report"), "report") == bytes(room)
    with pytest.raises(Malformed):
        envelope.unwrap(envelope.wrap(bytes(room + 1), "report"), "report")


INSIDE = [0, b"\1", "a", [], {}, [0, 0], [1, 0], [1, 1], ["a", "b"], 1.5, b"\1\2\3\4", "2020-01-01", [2**63, 1]]


@pytest.mark.parametrize("tag", [*range(300), 1001, 1002, 1003, 1004, 43000, 43001, 55799, 65535, 2**32, 2**64 - 1])
def test_no_tag_has_a_meaning_to_the_decoder(tag: int) -> None:
    """Fractions, patterns, references and dates cost time or raise what nobody expects: none is built.

    If this fails with a new version of the CBOR library, that library gives a meaning to one more tag.
    """
    for content in INSIDE:
        data = cbor2.dumps(cbor2.CBORTag(tag, content))
        if data[0] >> 5 != 6 or len(data) < 2:
            continue
        try:
            item = envelope.loads(data)
        except Malformed:
            continue
        assert isinstance(item, cbor2.CBORTag), (tag, content)
        assert item.tag == tag
