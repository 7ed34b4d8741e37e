"""AES-CCM, sessions and fragments of the link, and what is said over it."""

from both import vectors
from both.expect import refused, same

from zonetag_protocol import ccm, contact, fragments, link, linkmessage
from zonetag_protocol.errors import Forged, Malformed

KEY = bytes(range(16))
EPOCH = 72
NB = b"backend!"
NT = b"the tag."
STATUS = linkmessage.Status(5, 4, 900, (0, 1, 0), 1, b"log0", 1, 9, 1790000000, b"sett", 0, (1, 0, 70000 & 0xFFFF))


def check_ccm_wycheproof() -> None:
    """What is invalid is refused: a size that CCM does not have, or bytes that do not open."""
    count = opened = 0
    for valid, size, key, nonce, aad, message, sealed in vectors.lines("wycheproof_ccm"):
        count += 1
        if valid == b"\x01":
            same(ccm.seal(key, nonce, aad, message, size[0]), sealed, (key, nonce))
            same(ccm.unseal(key, nonce, aad, sealed, size[0]), message, (key, nonce))
            opened += 1
        else:
            refused((ValueError, Forged), ccm.unseal, key, nonce, aad, sealed, size[0])
    same(count > 150 and opened > 100, True, "vectors")


def check_ccm_rfc3610() -> None:
    """Packet vectors 1 to 3 of RFC 3610, section 8: key, nonce, header, packet, sealed with M = 8."""
    key = bytes.fromhex("c0c1c2c3c4c5c6c7c8c9cacbcccdcecf")
    rows = (
        ("00000003020100a0a1a2a3a4a5", 31, "588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0"),
        ("00000004030201a0a1a2a3a4a5", 32, "72c91a36e135f8cf291ca894085c87e3cc15c439c9e43a3ba091d56e10400916"),
        ("00000005040302a0a1a2a3a4a5", 33, "51b1e5f44a197d1da46b0f8e2d282ae871e838bb64da8596574adaa76fbd9fb0c5"),
    )
    for nonce, length, sealed in rows:
        whole = bytes(range(length))
        same(ccm.seal(key, bytes.fromhex(nonce), whole[:8], whole[8:]).hex(), sealed, length)


def check_ccm_sizes() -> None:
    for size in (0, 6, 14):
        refused(ValueError, ccm.seal, KEY, bytes(size), b"", b"")
    for tag in (0, 2, 5, 18):
        refused(ValueError, ccm.seal, KEY, bytes(13), b"", b"", tag)
    refused(ValueError, ccm.seal, KEY, bytes(13), b"", bytes(1 << 16))
    refused(ValueError, ccm.seal, bytes(24), bytes(13), b"", b"")
    refused(Forged, ccm.unseal, KEY, bytes(13), b"", bytes(7))


def check_sessions_of_the_second_implementation() -> None:
    count = 0
    for k_link, epoch, nb, nt, hello, plain, down, up in vectors.lines("random_sessions"):
        number = int.from_bytes(epoch, "big")
        backend, tag = link.backend_end(k_link, number, nb), link.tag_end(k_link, number, nt)
        same(backend.begin(), hello, number)
        tag.receive(hello)
        backend.receive(tag.answer())
        same(tag.seal(plain[0], plain[1:]), up, number)
        same(backend.seal(plain[0], plain[1:]), down, number)
        count += 1
    same(count >= 20, True, "vectors")


def _open() -> tuple[link.End, link.End]:
    backend, tag = link.backend_end(KEY, EPOCH, NB), link.tag_end(KEY, EPOCH, NT)
    tag.receive(backend.begin())
    backend.receive(tag.answer())
    return backend, tag


def check_session() -> None:
    backend, tag = _open()
    same((backend.state, tag.state), (link.ANSWERED, link.ANSWERED))
    for number in range(3):
        same(tag.receive(backend.seal(number, b"down")), (number, b"down"))
        same(backend.receive(tag.seal(number, b"up")), (number, b"up"))
    same((backend.state, tag.state), (link.OPEN, link.OPEN))
    same(tag.nb, NB)


def check_nothing_but_the_next_message_opens() -> None:
    """Replayed, left out, turned round, of another session, cut, longer, and with each bit of it changed."""
    backend, tag = _open()
    first, second = backend.seal(1, b"one"), backend.seal(1, b"two")
    for wrong in (second, first[:-1], first + b"\0", first[:1], b"", tag.seal(1, b"one")):
        _refuses(wrong)
    for bit in range(len(first) * 8):
        other = bytearray(first)
        other[bit // 8] ^= 1 << bit % 8
        _refuses(bytes(other))
    tag.receive(first)
    refused(Forged, tag.receive, first)
    same(tag.state, link.CLOSED)
    refused(Malformed, tag.receive, second)
    refused(ValueError, tag.seal, 1)


def _refuses(message: bytes) -> None:
    _, tag = _open()
    refused((Forged, Malformed), tag.receive, message)
    same(tag.state, link.CLOSED, message)


def check_another_session_has_other_keys() -> None:
    backend, tag = _open()
    other = link.tag_end(KEY, EPOCH, b"another.")
    other.receive(link.hello(KEY, EPOCH, NB))
    up = other.seal(1)
    refused(Forged, other.receive, backend.seal(1))
    refused(Forged, backend.receive, up)
    same(tag.state, link.ANSWERED)


def check_hello() -> None:
    """Of another tag, another epoch, another version, with each bit changed: refused, and nothing is answered."""
    hello = link.hello(KEY, EPOCH, NB)
    wrong = [link.hello(bytes(16), EPOCH, NB), link.hello(KEY, EPOCH + 1, NB), hello[:-1], hello + b"\0", b"", b"\3abc"]
    for bit in range(len(hello) * 8):
        other = bytearray(hello)
        other[bit // 8] ^= 1 << bit % 8
        wrong.append(bytes(other))
    for message in wrong:
        tag = link.tag_end(KEY, EPOCH, NT)
        refused((Forged, Malformed), tag.receive, message)
        refused(Malformed, tag.receive, hello)


def check_another_version_gives_no_session() -> None:
    """Somebody in between who claims another version for either side."""
    backend = link.backend_end(KEY, EPOCH, NB)
    backend.begin()
    refused(Malformed, backend.receive, bytes([link.ANSWER, 0]) + NT)
    backend, tag = link.backend_end(KEY, EPOCH, NB), link.tag_end(KEY, EPOCH, NT)
    tag.receive(backend.begin())
    backend.receive(tag.answer()[:2] + b"forged..")
    refused(Forged, backend.receive, tag.seal(1))


def check_out_of_turn() -> None:
    backend, tag = _open()
    refused(Malformed, tag.receive, link.hello(KEY, EPOCH, NB))
    refused(Malformed, backend.receive, bytes([link.ANSWER, 1]) + NT)
    waiting = link.tag_end(KEY, EPOCH, NT)
    refused(ValueError, waiting.seal, 1)
    refused(ValueError, link.tag_end, KEY, EPOCH, b"short")


def check_fragments() -> None:
    for mtu in (23, 24, 100, 185, 247):
        for length in (1, 19, 20, 38, 243, 244, 245, 511, 512):
            message = bytes([i & 255 for i in range(length)])
            parts = fragments.split(message, mtu)
            same(max([len(part) for part in parts]) <= mtu - 3, True, (mtu, length))
            joiner = fragments.Joiner()
            for _ in range(2):
                got = [joiner.take(part) for part in parts]
                same(got, [None] * (len(parts) - 1) + [message], (mtu, length))
    for wrong in (22, 248):
        refused(ValueError, fragments.split, b"1", wrong)
    for message in (b"", bytes(513)):
        refused(ValueError, fragments.split, message)


def check_fragments_out_of_order() -> None:
    a, b, c = fragments.split(bytes(50), 23)
    for parts in ((b,), (a, c), (a, a), (a, b, b), (c,), (a, b"\x41"), (b"\xc0",), (b"",), (b"\x80" + a[1:], b, b)):
        joiner = fragments.Joiner()
        for part in parts[:-1]:
            same(joiner.take(part), None)
        refused(Malformed, joiner.take, parts[-1])
    joiner = fragments.Joiner()
    joiner.take(b"\x80" + bytes(500))
    refused(Malformed, joiner.take, b"\x01" + bytes(13))


def check_status() -> None:
    body = linkmessage.pack_status(STATUS)
    same(linkmessage.unpack_status(body), STATUS)
    same(len(body), 40 + 6)
    same(linkmessage.unpack_status(body + b"\1"), STATUS, "what a later version appends")
    refused(Malformed, linkmessage.unpack_status, body[:39])
    refused(Malformed, linkmessage.unpack_status, b"\2" + body[1:])


def check_commands() -> None:
    m = linkmessage
    same(m.unpack_fetch(m.pack_fetch(1 << 31, 500)), (1 << 31, 500))
    same(m.unpack_acknowledge(m.pack_acknowledge(b"abcd", 7)), (b"abcd", 7))
    same(m.unpack_time(m.pack_time(5, 1 << 33)), (5, 1 << 33))
    same(m.unpack_find_me(m.pack_find_me(600)), 600)
    same(m.unpack_begin(m.pack_begin(9, bytes(32), (1, 2, 3))), (9, bytes(32), b"\1\2\3"))
    same(m.unpack_part(m.pack_part(9, b"abc")), (9, b"abc"))
    same(m.unpack_done(m.pack_done(16, 4, 99)), (16, 4, 99))
    for take in (m.unpack_fetch, m.unpack_acknowledge, m.unpack_time, m.unpack_find_me, m.unpack_begin, m.unpack_done):
        refused(Malformed, take, b"")
        refused(Malformed, take, bytes(40))
    refused(Malformed, m.unpack_part, bytes(4))
    same(m.pack_archive({"b/c": b"22", "a": b"1"}), b"\1a\0\0\0\x011\3b/c\0\0\0\x0222")


def check_settings() -> None:
    m = linkmessage
    values = {m.CONNECTABLE: 0, m.LOOK_EVERY: 2, m.LOOK_MS: 300, m.WEAKEST: 90}
    same(m.unpack_settings(m.pack_settings(values)), values)
    for name, value in ((0, 1), (5, 1), (1, 33), (2, 49), (2, 2001), (3, 39), (3, 0), (3, 128), (4, 1), (4, 65)):
        same(m.unpack_settings(m.pack_settings({name: value})), None, (name, value))
    for body in (b"", b"\1", b"\1\0", b"\1\0\1\2"):
        refused(Malformed, m.unpack_settings, body)
    same(m.settings_check({}), m.settings_check({m.LOOK_EVERY: 1}))
    same(m.settings_check({}) == m.settings_check({m.LOOK_EVERY: 2}), False)


def check_contacts() -> None:
    cells = bytes(15) + b"\x0f"
    one = _contact(b"8 bytes.", b"6bytes", cells, 999)
    record = contact.pack(one)
    same(len(record), contact.LENGTH)
    same(contact.unpack(record), _contact(b"8 bytes.", b"6bytes", cells, 255))
    same(contact.levels(cells), [0] * 31 + [15])
    body = linkmessage.pack_contacts(70000, [record] * linkmessage.CHUNK)
    same(linkmessage.unpack_contacts(body), (70000, [record] * linkmessage.CHUNK))
    same(len(body) + link.SHORTEST <= fragments.MOST, True)
    same(linkmessage.unpack_contacts(linkmessage.pack_contacts(3, [])), (3, []))
    refused(ValueError, linkmessage.pack_contacts, 1, [record] * 13)
    for wrong in (b"", body[:-1], body + record):
        refused(Malformed, linkmessage.unpack_contacts, wrong)
    for wrong in (record[:-1], record[:19] + b"\0" + record[20:], record[:20] + bytes(16)):
        refused(Malformed, contact.unpack, wrong)
    for sizes in ((7, 6, 16), (8, 5, 16), (8, 6, 17)):
        refused(ValueError, contact.pack, _contact(bytes(sizes[0]), bytes(sizes[1]), bytes(sizes[2])))


def _contact(eid: bytes, auth: bytes, cells: bytes, count: int = 1) -> contact.Contact:
    return contact.Contact(1 << 21, 255, eid, auth, -128, count, cells)


def check_levels() -> None:
    for rssi, half in ((-128, 1), (-100, 1), (-93, 1), (-92, 2), (-62, 9), (-61, 9), (-60, 10), (-40, 15), (20, 15)):
        same(contact.level(rssi), half, rssi)
    same([contact.dbm(half) for half in (0, 1, 9, 15)], [None, -94, -62, -38])
    same([contact.cell_of(t) for t in (0, 31, 32, 1023, 1024)], [0, 0, 1, 31, 0])
