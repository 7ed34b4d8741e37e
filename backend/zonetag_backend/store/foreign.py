"""Cases across offices: which identifiers a person's tags sent, and where those of another office's were heard here."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, and_, inspect, or_, select

from zonetag_backend.errors import AlreadyThere
from zonetag_backend.keys import Keyring
from zonetag_backend.presence import merged
from zonetag_backend.rules import UNKNOWN
from zonetag_backend.store import heard, restrictions, rows, secrets
from zonetag_backend.store.registry import new_id
from zonetag_backend.store.schema import gateway, person, place, presence, rejected, tag, tag_clock, wearing
from zonetag_backend.store.schema.cases import case_foreign, case_match
from zonetag_backend.store.schema.contacts import contact_rejected
from zonetag_backend.tracing.abroad import EPOCH_MS, SLACK_MS, Abroad, fits
from zonetag_backend.tracing.encounter import PLACE_GAP_MS
from zonetag_backend.tracing.outcome import Who
from zonetag_protocol import advert
from zonetag_protocol.bulk import EPOCHS, STRIDE, eids_of_block
from zonetag_protocol.rotation import EID, EPOCH_S, ROTATION_BITS, SLOT_BITS, T_END, derive_keys

HOUR_MS = 3_600_000
_EPOCHS_END = T_END >> ROTATION_BITS


@dataclass(frozen=True, slots=True)
class Match:
    """Where somebody of another office was heard."""

    evidence: str
    # "place": by a gateway; "direct": by a tag
    place: str
    # of the gateway; empty for "direct"
    start_ms: int
    end_ms: int
    rssi_max: int
    people: tuple[Who, ...]
    # who was at the place then, or who wore the tag


def identifiers(connection: Connection, keyring: Keyring, who: int, window: tuple[int, int]) -> list[tuple[bytes, int]]:
    """Every identifier that the tags which a person wore sent within a window, and its first UTC second.

    Which those are is computed from each tag's clock as it is known now; where the tag was heard, from what it said
    itself, which holds for a tag too that lost its clock since.
    """
    low, high = window
    clock = tag_clock.c
    worn = connection.execute(
        select(wearing.c.tag, wearing.c.since_ms, wearing.c.until_ms, tag.c.kind, clock.offset_ms)
        .join(tag, tag.c.id == wearing.c.tag)
        .join(tag_clock, clock.tag == wearing.c.tag)
        .where(
            wearing.c.person == who,
            wearing.c.since_ms < high,
            or_(wearing.c.until_ms.is_(None), wearing.c.until_ms > low),
        )
    ).all()
    keys = secrets.sealed_keys(connection, [row.tag for row in worn])
    found: set[tuple[bytes, int]] = set()
    for row in worn:
        if row.tag not in keys:
            continue  # destroyed: nobody can tell its identifiers any more
        master = keyring.open(row.tag, keys[row.tag])
        k_eid = master if row.kind == advert.EDDYSTONE_EID else derive_keys(master).eid
        begin, end = max(low, row.since_ms), high if row.until_ms is None else min(high, row.until_ms)
        first, last = ((time - row.offset_ms) // EPOCH_MS for time in (begin, end))
        epochs = dict.fromkeys(range(first, last + 1), row.offset_ms)
        epochs |= _heard_epochs(connection, row.tag, begin, end)
        for epoch, offset_ms in epochs.items():
            if 0 <= epoch < _EPOCHS_END:
                made = eids_of_block(k_eid, epoch // EPOCHS)
                at = epoch % EPOCHS * STRIDE
                found.add((made[at : at + EID], max(0, epoch * EPOCH_S + offset_ms // 1000)))
    return sorted(found, key=lambda each: each[1])


def _heard_epochs(connection: Connection, which: int, low: int, high: int) -> dict[int, int]:
    """By epoch of a tag's clock in which it was heard, the offset of that clock then."""
    found: dict[int, int] = {}
    for name in sorted(inspect(connection).get_table_names()):
        if name.startswith(heard.PREFIX):
            c = heard.table_of_day(name.removeprefix(heard.PREFIX)).c
            statement = select(c.slot, c.start_ms).where(
                c.tag == which, c.start_ms >= low, c.start_ms < high, c.slot >= 0
            )
            for slot, start_ms in connection.execute(statement):
                found[slot >> (ROTATION_BITS - SLOT_BITS)] = start_ms - (slot << SLOT_BITS) * 1000
    return found


def match(connection: Connection, came: Abroad, digest: bytes, *, by: str, now_ms: int) -> list[Match]:
    """Where another office's case was heard here, and who was there; kept, without the identifiers.

    AlreadyThere when this very file was imported before.
    """
    f = case_foreign.c
    if connection.scalar(select(f.id).where(f.digest == digest)) is not None:
        raise AlreadyThere("this file was imported already; ask that office for a new one if time has passed")
    new = new_id()
    values = (new, came.office, came.profile, came.since_ms, came.until_ms, digest, now_ms, by)
    rows.insert(connection, case_foreign, [values])
    found = [*_at_places(connection, came), *_by_tags(connection, came)]
    kept = {
        (new, each.evidence, heard_by, each.start_ms): (
            new,
            each.evidence,
            heard_by,
            each.start_ms,
            each.end_ms,
            each.rssi_max,
        )
        for heard_by, each in found
    }
    rows.insert(connection, case_match, sorted(kept.values()))
    return sorted((each for _, each in found), key=lambda each: (each.start_ms, each.evidence))


@dataclass(frozen=True, slots=True)
class Imported:
    """A case of another office that was looked for here."""

    id: int
    office: str
    profile: str
    since_ms: int
    until_ms: int
    imported_ms: int
    imported_by: str


def imports(connection: Connection, floor_ms: int = 0) -> list[Imported]:
    """All cases of other offices, the newest first; none that ended before `floor_ms`."""
    f = case_foreign.c
    columns = (f.id, f.office, f.profile, f.since_ms, f.until_ms, f.imported_ms, f.imported_by)
    return [
        Imported(*row)
        for row in connection.execute(select(*columns).where(f.until_ms >= floor_ms).order_by(f.imported_ms.desc()))
    ]


def newest_import(connection: Connection, digest: bytes) -> int | None:
    """The id under which a file was imported."""
    return connection.scalar(select(case_foreign.c.id).where(case_foreign.c.digest == digest))


def matches_of(connection: Connection, which: int, floor_ms: int) -> list[Match]:
    """Where that case was heard here, and who was there, as it is known now; nothing from before `floor_ms`."""
    m, g = case_match.c, gateway.c
    where = {
        name: (id, title)
        for name, id, title in connection.execute(
            select(g.name, place.c.id, place.c.name).join(place, place.c.id == g.place)
        )
    }
    statement = select(m.evidence, m.heard_by, m.start_ms, m.end_ms, m.rssi_max)
    found = []
    for evidence, by, start, end, rssi in connection.execute(
        statement.where(m.foreign == which, m.end_ms >= floor_ms).order_by(m.start_ms, m.evidence)
    ).all():
        if evidence == "place":
            id, title = where.get(by, (-1, by))
            found.append(Match(evidence, title, start, end, rssi, _there(connection, id, start, end)))
        else:
            tags = connection.scalars(select(tag.c.id).where(tag.c.number == by)).all()
            found.append(Match(evidence, "", start, end, rssi, _wearers(connection, tags, start, end)))
    return found


def _at_places(connection: Connection, came: Abroad) -> Iterator[tuple[str, Match]]:
    """Windows that gateways could resolve to nobody, put together by gateway."""
    begins = dict(came.sent)
    r = rejected.c
    low, high = came.since_ms - EPOCH_MS - SLACK_MS, came.until_ms + EPOCH_MS + SLACK_MS
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    strongest: dict[str, int] = {}
    statement = select(r.gateway, r.start_ms, r.span_ms, r.eid, r.rssi_max).where(
        r.start_ms >= low, r.start_ms < high, r.reason == UNKNOWN
    )
    for name, start, span, eid, rssi in connection.execute(statement):
        second = begins.get(bytes(eid))
        if second is not None and fits(second, start, start + span):
            spans[name].append((start, start + span))
            strongest[name] = max(rssi, strongest.get(name, -128))
    where = {
        row.name: (row.id, row.title)
        for row in connection.execute(
            select(gateway.c.name, place.c.id, place.c.name.label("title")).join(place, place.c.id == gateway.c.place)
        )
    }
    for name, of in spans.items():
        id, title = where.get(name, (-1, name))
        for start, end in merged(of, PLACE_GAP_MS):
            people = _there(connection, id, start, end)
            yield name, Match("place", title, start, end, strongest[name], people)


def _by_tags(connection: Connection, came: Abroad) -> Iterator[tuple[str, Match]]:
    """Records of contact logs that could be resolved to nobody."""
    begins = dict(came.sent)
    c = contact_rejected.c
    low, high = came.since_ms - 2 * EPOCH_MS, came.until_ms + EPOCH_MS
    statement = (
        select(c.tag, tag.c.number, c.start_ms, c.eid, c.rssi_max)
        .join(tag, tag.c.id == c.tag)
        .where(c.start_ms >= low, c.start_ms < high, c.reason == UNKNOWN)
    )
    for which, number, start, eid, rssi in connection.execute(statement).all():
        second = begins.get(bytes(eid))
        if second is not None and fits(second, start, start + EPOCH_MS):
            yield (
                number,
                Match(
                    "direct", "", start, start + EPOCH_MS, rssi, _wearers(connection, [which], start, start + EPOCH_MS)
                ),
            )


def _there(connection: Connection, where: int, start: int, end: int) -> tuple[Who, ...]:
    p = presence.c
    tags = connection.scalars(
        select(p.tag)
        .where(p.place == where, p.start_ms > start - HOUR_MS, p.start_ms < end, p.end_ms > start)
        .distinct()
    ).all()
    return _wearers(connection, tags, start, end)


def _wearers(connection: Connection, tags: Iterable[int], start: int, end: int) -> tuple[Who, ...]:
    w, hidden = wearing.c, restrictions.everybody(connection)
    statement = (
        select(person.c.id, person.c.name, person.c.unit, person.c.code)
        .join(wearing, w.person == person.c.id)
        .where(and_(w.tag.in_(list(tags)), w.since_ms < end, or_(w.until_ms.is_(None), w.until_ms > start)))
        .distinct()
        .order_by(person.c.id)
    )
    found = connection.execute(statement)
    return tuple(Who(id, name, unit, code or "") for id, name, unit, code in found if id not in hidden)
