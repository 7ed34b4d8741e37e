"""An office in which somebody fell ill: who met whom, through the tables, for tests of the pages of cases."""

from rig.office import Office, at

from zonetag_backend.store import rows
from zonetag_backend.store.engine import writing
from zonetag_backend.store.schema.contacts import contact_log
from zonetag_protocol.contact import CELLS

EPOCH_MS = 1_024_000
STRONG = 15  # the half byte of -40 dBm and more: as close as it gets
ROOM = "Phòng họp"


def hear(office: Office, reporter: int, peer: int, start_ms: int, epochs: int = 3, received_ms: int = 0) -> None:
    """Two tags close to each other for so many epochs of 17 minutes, in every look of one of them."""
    packed = bytes([STRONG << 4 | STRONG] * (CELLS // 2))
    with writing(office.engine) as connection:
        for number in range(epochs):
            begins = start_ms + number * EPOCH_MS
            name = (reporter, begins // EPOCH_MS, peer.to_bytes(8, "big"), 0)
            rows.insert(connection, contact_log, [(*name, peer, begins, 9, -40, packed, True, received_ms)])


def meet(office: Office, one: int, other: int, start_ms: int, *, where: str = ROOM) -> None:
    """Two tags close to each other for 51 minutes, in a room where a gateway hears both."""
    hear(office, one, other, start_ms)
    for tag in (one, other):
        if (tag, start_ms) not in _there:
            office.presence(tag, where, start_ms, start_ms + 3 * EPOCH_MS)
            _there.add((tag, start_ms))


_there: set[tuple[int, int]] = set()


def outbreak(
    office: Office, first: int = 1, second: int = 1, names: tuple[str, ...] = ()
) -> tuple[int, list[int], list[int]]:
    """F0, so many F1 met on the 18th, so many F2 each met on the 19th by the first F1: their ids.

    `names` are those of F0 and then of F1, as far as they go.
    """
    _there.clear()
    called = iter(names)
    ill, tag = office.person(next(called, "Nguyễn Thị Ánh"), "Phòng Hành chính", "CB001")
    ones, tags = [], []
    for number in range(first):
        who, theirs = office.person(next(called, f"Trần Văn Bình {number}"), "Phòng Công nghệ", f"CB1{number:02}")
        meet(office, tag, theirs, at("08:30", 18))
        ones.append(who)
        tags.append(theirs)
    twos = []
    for number in range(second if first else 0):
        who, theirs = office.person(f"Đỗ Đức Cường {number}", "Phòng Kế toán", f"CB2{number:02}")
        meet(office, tags[number % len(tags)], theirs, at("10:00", 19), where="Cửa chính")
        twos.append(who)
    return ill, ones, twos
