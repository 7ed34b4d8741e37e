"""Capture files: every encapsulation, both byte orders, damage, malice, and whatever the user gives."""

import contextlib
import os
import random
import struct
from pathlib import Path

import pytest
from rig import captures as w

from zonetag_gateway.captures import BrokenCapture, Capture, NotACapture
from zonetag_gateway.captures.hci import NO_RSSI, report
from zonetag_gateway.errors import GatewayError
from zonetag_protocol import advert

AD = bytes.fromhex("0201060303aafe0d16aafe30eb0102030405060708" + "09ffffffa1a2b1b2b3b4")
T = 1_700_000_000_123_456

# link type -> one packet with AD at -61 dBm (127: the format has no RSSI)
PACKETS = {
    187: (b"\x04" + w.le_report(AD, -61), -61),
    201: (struct.pack(">L", 1) + b"\x04" + w.le_extended_report(AD, -61), -61),
    251: (w.ll_packet(AD), 127),
    254: (b"\x00\x00\x00\x03" + w.le_report(AD, -61), -61),
    256: (w.phdr(w.ll_packet(AD), -61), -61),
    272: (w.nordic(w.ll_packet(AD), -61), -61),
}


def read(tmp_path: Path, content: bytes) -> tuple[list[tuple[int, bytes, int]], dict[str, int]]:
    path = tmp_path / "capture"
    path.write_bytes(content)
    capture = Capture(path)
    return list(capture.adverts()), capture.tally.counts


def test_the_advert_is_ours() -> None:
    assert advert.decode(AD).kind == "zonetag"
    assert NO_RSSI == 127


@pytest.mark.parametrize(
    ("datalink", "flags", "packet"),
    [
        (1001, 3, w.le_report(AD, -61)),
        (1002, 3, b"\x04" + w.le_report(AD, -61)),
        (2001, 3, w.le_report(AD, -61)),
        (2001, 0x0001_0003, w.le_extended_report(AD, -61)),
    ],
)
def test_btsnoop(tmp_path: Path, datalink: int, flags: int, packet: bytes) -> None:
    others = [(T, 2, b"\x01\x03\x0c\x00"), (T, 0, b"\x02\x00\x00")]
    found, counts = read(tmp_path, w.btsnoop(datalink, [*others, (T, flags, packet), (T + 5, flags, packet)]))
    assert found == [(T, AD, -61), (T + 5, AD, -61)]
    assert counts["packets"] == 4


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("link", PACKETS)
def test_pcapng_of_each_link_in_both_byte_orders(tmp_path: Path, order: str, link: int) -> None:
    packet, rssi = PACKETS[link]
    content = w.section(order) + w.interface(order, link) + w.enhanced(order, 0, T, packet, w.option(order, 1, b"note"))
    assert read(tmp_path, content)[0] == [(T, AD, rssi)]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_pcap(tmp_path: Path, order: str, nanoseconds: bool) -> None:
    packet, rssi = PACKETS[251]
    assert read(tmp_path, w.pcap(order, 251, [(T, packet)], nanoseconds))[0] == [(T, AD, rssi)]


@pytest.mark.parametrize(
    ("options", "ticks"),
    [
        (w.option("<", 9, b"\x06"), T),
        (w.option("<", 9, b"\x09"), T * 1000),
        (w.option("<", 9, b"\x03") + w.option("<", 14, struct.pack("<q", 100)), T // 1000 - 100_000),
        (w.option("<", 2, b"sniffer") + w.option("<", 9, b"\x94"), T * (1 << 20) // 1_000_000 + 1),
    ],
)
def test_resolution_and_offset_of_a_pcapng_interface(tmp_path: Path, options: bytes, ticks: int) -> None:
    content = w.section("<") + w.interface("<", 251, options) + w.enhanced("<", 0, ticks, w.ll_packet(AD))
    [(utc_us, _, _)] = read(tmp_path, content)[0]
    assert abs(utc_us - T) < 1000


def test_sections_blocks_and_interfaces_of_a_pcapng(tmp_path: Path) -> None:
    packet, _ = PACKETS[256]
    old = struct.pack(">HHLLLL", 0, 0, T >> 32, T & 0xFFFFFFFF, len(packet), len(packet)) + packet
    content = (
        w.section("<")
        + w.interface("<", 1)  # Ethernet
        + w.interface("<", 256)
        + w.block("<", 0x0BAD, bytes(300_000))  # unknown, and longer than a record may be
        + w.enhanced("<", 0, T, bytes(60))
        + w.enhanced("<", 1, T + 1, packet)
        + w.block("<", 3, struct.pack("<L", len(packet)) + packet)
        + w.section(">")
        + w.interface(">", 256)
        + w.block(">", 2, old)
    )
    found, counts = read(tmp_path, content)
    assert found == [(T + 1, AD, -61), (T, AD, -61)]
    assert counts == {"packets": 4, "unread_link": 1, "adverts": 2, "untimed": 1}


@pytest.mark.parametrize(
    ("packet", "count"),
    [
        (w.le_report(AD, -61, kind=4), "scan_responses"),
        (w.le_report(b"", -61, kind=1), "directed"),
        (w.le_extended_report(AD, -61, kind=0x1B), "scan_responses"),
        (w.le_extended_report(AD, -61, kind=0x20), "fragments"),
        (w.le_extended_report(AD, -61, kind=0x15), "directed"),
        (bytes([0x3E, 18, 0x0B, 1]) + bytes(16), "directed"),
        (w.le_report(AD, -61)[:-1], "malformed"),
        (b"\x3e\x2b\x02\x02" + w.le_report(AD, -61)[4:], "malformed"),  # says two reports, has one
    ],
)
def test_what_an_event_holds_besides(tmp_path: Path, packet: bytes, count: str) -> None:
    assert read(tmp_path, w.btsnoop(1001, [(T, 3, packet)]))[1][count] == 1


def test_two_reports_in_one_event(tmp_path: Path) -> None:
    one = w.le_report(AD, -61)[4:]
    event = bytes([0x3E, 2 + 2 * len(one), 0x02, 2]) + one + one
    assert read(tmp_path, w.btsnoop(1001, [(T, 3, event)]))[0] == [(T, AD, -61)] * 2


@pytest.mark.parametrize(
    ("link", "packet", "count"),
    [
        (251, w.ll_packet(AD, crc=b"\0\0\0"), "bad_crc"),
        (251, w.ll_packet(AD, kind=4), "scan_responses"),
        (251, w.ll_packet(AD, kind=1), "directed"),
        (251, w.ll_packet(AD, kind=3), "other"),
        (251, w.ll_packet(AD)[:20], "malformed"),
        (251, b"\x11\x22\x33\x44" + w.ll_packet(AD)[4:], "other"),
        (256, w.phdr(w.ll_packet(AD), -61, flags=0x0403), "bad_crc"),
        (256, w.phdr(w.ll_packet(AD), -61, flags=0x0C02), "other"),  # still whitened
        (256, w.phdr(w.ll_packet(AD), -61, flags=0x8C03), "other"),  # coded PHY
        (272, w.nordic(w.ll_packet(AD), -61, flags=0), "bad_crc"),
        (272, w.nordic(w.ll_packet(AD), -61, kind=5), "other"),
        (272, w.nordic(w.ll_packet(AD), -61)[:12], "malformed"),
    ],
)
def test_what_a_sniffer_records_besides(tmp_path: Path, link: int, packet: bytes, count: str) -> None:
    found, counts = read(tmp_path, w.pcap("<", link, [(T, packet)]))
    assert found == []
    assert counts[count] == 1


@pytest.mark.parametrize("version", [1, 2, 3])
def test_versions_of_the_nordic_header(tmp_path: Path, version: int) -> None:
    packet = w.nordic(w.ll_packet(AD), -61, version, kind=2 if version == 3 else 6)
    assert read(tmp_path, w.pcap("<", 272, [(T, packet)]))[0] == [(T, AD, -61)]


def test_a_packet_without_crc_is_taken(tmp_path: Path) -> None:
    assert read(tmp_path, w.pcap("<", 251, [(T, w.ll_packet(AD, crc=b""))]))[0] == [(T, AD, 127)]


def whole(order: str = "<") -> bytes:
    packet, _ = PACKETS[256]
    body = b"".join(w.enhanced(order, 0, T + n, packet) for n in range(3))
    return w.section(order) + w.interface(order, 256) + body


@pytest.mark.parametrize("content", [whole(), w.pcap("<", 256, [(T, PACKETS[256][0])] * 3)])
def test_a_capture_cut_at_every_byte_gives_what_is_whole_and_says_where(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "capture"
    ends = {len(content): 3}
    broken = []
    for cut in range(4, len(content)):
        path.write_bytes(content[:cut])
        found = []
        try:
            for item in Capture(path).adverts():
                found.append(item)
        except BrokenCapture as error:
            broken.append((cut, error))
        else:
            ends[cut] = len(found)  # a clean end
        assert len(found) <= 3
    assert all(error.offset <= cut and str(error.offset) in str(error) for cut, error in broken)
    assert sorted(ends.values()) in ([0, 0, 0, 1, 2, 3], [0, 0, 1, 2, 3], [0, 1, 2, 3])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a capture at all",
        b"btsnooq\x00" + bytes(8),
        w.btsnoop(1003, []),
        b"btsnoop\x00" + struct.pack(">LL", 2, 1001),
        w.block("<", 0x0A0D0D0A, struct.pack("<LHHq", 0x1A2B3C4D, 2, 0, -1)),
    ],
)
def test_what_is_no_capture_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(NotACapture) as error:
        read(tmp_path, content)
    assert error.value.to_do


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotACapture):
        list(Capture(tmp_path / "none").adverts())


@pytest.mark.parametrize(
    "content",
    [
        w.btsnoop(1001, [(T, 3, b"")])[:16] + struct.pack(">LLLLQ", 0xFFFFFFFF, 0xFFFFFFFF, 3, 0, 0),
        w.pcap("<", 251, []) + struct.pack("<LLLL", 0, 0, 0x7FFFFFFF, 0),
        w.section("<") + struct.pack("<LL", 6, 0xFFFFFFF0),
        w.section("<") + struct.pack("<LL", 0x0BAD, 0xFFFFFFF0),
        w.section("<") + struct.pack("<LL", 6, 8),
        w.section("<") + w.enhanced("<", 0, T, b"without an interface"),
        w.section("<") + w.interface("<", 251) * 4097,
        w.section("<") + w.block("<", 1, struct.pack("<HHLHH", 251, 0, 0, 9, 60000)),
    ],
)
def test_malice_is_damage(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BrokenCapture):
        read(tmp_path, content)


@pytest.mark.parametrize("utc_us", [-5_000_000, (1 << 32) * 1_000_000])
def test_an_impossible_time_is_counted(tmp_path: Path, utc_us: int) -> None:
    found, counts = read(tmp_path, w.btsnoop(1001, [(utc_us, 3, w.le_report(AD, -61))]))
    assert (found, counts["untimed"]) == ([], 1)


def test_hostile_files_raise_only_our_errors(tmp_path: Path) -> None:
    seed = 20_261_120
    print("seed", seed)
    rng = random.Random(seed)
    packets = [packet for packet, _ in PACKETS.values()]
    samples = [w.pcap("<", link, [(T, packet)] * 2) for link, (packet, _) in PACKETS.items()]
    samples += [w.section(">") + w.interface(">", n) + w.enhanced(">", 0, T, p) * 2 for n, (p, _) in PACKETS.items()]
    samples += [w.btsnoop(link, [(T, 3, p[skip:]) for p in packets]) for link in (1001, 1002, 2001) for skip in (0, 1)]
    path = tmp_path / "capture"
    for turn in range(4000):
        content = bytearray(rng.choice(samples))
        for _ in range(rng.randint(1, 6)):
            content[rng.randrange(len(content))] = rng.choice((0, 1, 4, 0x3E, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        path.write_bytes(content[: rng.randint(0, len(content))] if turn % 3 == 0 else content)
        with contextlib.suppress(GatewayError):
            for utc_us, data, rssi in Capture(path).adverts():
                assert 0 <= utc_us < 1_000_000 << 32
                assert -128 <= rssi <= 127
                assert len(data) <= 255


@pytest.mark.parametrize("size", [0, 31, 32, 229])
def test_what_is_written_can_be_read(tmp_path: Path, size: int) -> None:
    data = bytes(size)
    found, _ = read(tmp_path, w.btsnoop(1002, [(T, 3, report(data, -61))]))
    assert found == [(T, data, -61)]


def test_every_capture_that_the_user_gives_can_be_read() -> None:
    """ZONETAG_CAPTURES=DIR names a folder with captures of the user's own; each must be read to its end."""
    folder = os.environ.get("ZONETAG_CAPTURES")
    if not folder:
        pytest.skip("not given: ZONETAG_CAPTURES=DIR, a folder with captures (btsnoop, pcapng, pcap)")
    files = sorted(path for path in Path(folder).iterdir() if path.is_file())
    assert files, f"{folder} holds no file"
    for path in files:
        capture = Capture(path)
        kinds = [advert.explain(data).kind for _, data, _ in capture.adverts()]
        assert len(kinds) == capture.tally.counts.get("adverts", 0), path
