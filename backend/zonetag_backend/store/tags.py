"""Tags and who wears them: written here, inside the caller's transaction (`store.engine.writing`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from secrets import token_bytes

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from zonetag_backend.errors import AlreadyThere, BadValue, NotFound
from zonetag_backend.keys import Keyring
from zonetag_backend.store import rows, secrets
from zonetag_backend.store.order import by_bytes
from zonetag_backend.store.registry import changed, new_id
from zonetag_backend.store.schema import tag, tag_clock, wearing
from zonetag_backend.store.schema.office import tag_resting
from zonetag_protocol import advert, card
from zonetag_protocol.crypto import KEY
from zonetag_protocol.rotation import SLOT_BITS, T_END

TAG_KINDS = (advert.ZONETAG, advert.EDDYSTONE_EID)
ACTIVE = "active"
LOST = "lost"  # still resolved, so that it can be found
RETIRED = "retired"  # its key is forgotten by the resolver
NO_STATUS = -1

Wearing = Row[tuple[int, int, int | None, int]]
"""Of the table: tag, since when, until when, and who."""

# A new tag's clock begins here: after the widest search for it, so that no search passes zero.
FIRST_SECOND = 1 << 16


@dataclass(frozen=True, slots=True)
class NewTag:
    """A tag that has just been added."""

    id: int
    master: bytes = field(repr=False)
    # its key, for the provisioning card; print it nowhere
    t0: int
    # first second of its clock


def add_tag(
    connection: Connection,
    keyring: Keyring,
    number: str,
    now_ms: int,
    *,
    kind: str = advert.ZONETAG,
    master: bytes | None = None,
    t0: int = FIRST_SECOND,
    issued_ms: int | None = None,
) -> NewTag:
    """A tag, with a new random key unless one is given; its clock stood at second `t0` at `issued_ms`, else now.

    Kind "zonetag": `master` is the master key.  Kind "eddystone-eid": a badge, `master` its identity key.
    """
    if kind not in TAG_KINDS:
        raise BadValue("a tag is of kind zonetag or eddystone-eid")
    if not 0 < len(number.encode()) <= card.NUMBER or not number.isprintable() or number != number.strip():
        raise BadValue(f"a tag's number is 1 to {card.NUMBER} bytes that can be printed")
    if not 0 <= t0 < T_END:
        raise BadValue("a tag's clock is 0 to 2^32 - 1 seconds")
    key = token_bytes(KEY) if master is None else master
    if len(key) != KEY:
        raise BadValue(f"a key is {KEY} bytes, {2 * KEY} hexadecimal digits")
    if connection.scalar(select(tag.c.id).where(tag.c.number == number)) is not None:
        raise AlreadyThere(f"there is a tag {number} already; zonetag tag list shows all")
    issued = now_ms if issued_ms is None else issued_ms
    new = new_id()
    sealed = keyring.seal(secrets.of_stock(connection, keyring, now_ms), new, key)
    row = {"id": new, "number": number, "kind": kind, "state": ACTIVE, "added_ms": now_ms}
    connection.execute(insert(tag).values(**row, sealed_key=sealed.sealed, data_key=sealed.under.id))
    connection.execute(
        insert(tag_clock).values(
            tag=new,
            offset_ms=issued - t0 * 1000,
            slack_ms=0,  # means nothing before the first frame
            offset_at_ms=issued,
            confirmed=False,
            slot=t0 >> SLOT_BITS,
            status=NO_STATUS,
            heard_ms=0,  # never
        )
    )
    changed(connection)
    return NewTag(new, key, t0)


def find_tag(connection: Connection, number: str) -> int:
    """The id of a tag by its printed number."""
    found: int | None = connection.scalar(select(tag.c.id).where(tag.c.number == number))
    if found is None:
        raise NotFound(f"there is no tag {number}: zonetag tag list shows all")
    return found


def in_use(connection: Connection) -> list[int]:
    """Tags of our own making that are in use, by number."""
    ours = (tag.c.kind == advert.ZONETAG, tag.c.state == ACTIVE)
    return list(connection.scalars(select(tag.c.id).where(*ours).order_by(by_bytes(tag.c.number))))


def hand_out(connection: Connection, keyring: Keyring, which: int, who: int, now_ms: int) -> None:
    """A person wears the tag from now on; whoever wore it before wore it until now.  A lost tag is found again so.

    The tag's key goes under the data key of whoever wears it.
    """
    hand_out_all(connection, keyring, {which: who}, now_ms)


def hand_out_all(connection: Connection, keyring: Keyring, given: Mapping[int, int], now_ms: int) -> None:
    """Some hundred tags, each to a person, as `hand_out` gives one, in as few statements."""
    which = list(given)
    retired = select(tag.c.id).where(tag.c.id.in_(which), tag.c.state == RETIRED)
    if connection.scalar(retired.limit(1)) is not None:
        raise BadValue("this tag is out of use for good: flash it again, under a number that is new")
    worn = {row.tag: row for row in connection.execute(_wearings(which))}
    for row in worn.values():
        if row.until_ms is None:
            _end(connection, row, now_ms)
    keys = secrets.of_people(connection, keyring, list(given.values()), now_ms)
    secrets.reseal_all(connection, keyring, {each: keys[who] for each, who in given.items()})
    since = {each: _after(worn.get(each), now_ms) for each in which}
    rows.insert(connection, wearing, [(each, since[each], None, who) for each, who in given.items()])
    connection.execute(delete(tag_resting).where(tag_resting.c.tag.in_(which)))
    connection.execute(update(tag).where(tag.c.id.in_(which)).values(state=ACTIVE))
    changed(connection)


def _after(worn: Wearing | None, now_ms: int) -> int:
    """When a new wearing begins: now, but after the last one, also when the clock went back."""
    return now_ms if worn is None or worn.since_ms < now_ms else max(worn.since_ms + 1, worn.until_ms or 0)


def take_back(connection: Connection, keyring: Keyring, which: int, now_ms: int) -> None:
    """Nobody wears the tag from now on; its key goes back to the stock's."""
    _end_wearing(connection, which, now_ms)
    secrets.reseal(connection, keyring, which, secrets.of_stock(connection, keyring, now_ms))


def rest(connection: Connection, which: int, now_ms: int) -> None:
    """The tag is not resolved until it is handed out again: whoever wore it does not want to be heard any more."""
    connection.execute(delete(tag_resting).where(tag_resting.c.tag == which))
    connection.execute(insert(tag_resting).values(tag=which, since_ms=now_ms))
    changed(connection)


def _end_wearing(connection: Connection, which: int, now_ms: int) -> None:
    for worn in connection.execute(_wearings([which])):
        if worn.until_ms is None:
            _end(connection, worn, now_ms)


def _end(connection: Connection, worn: Wearing, now_ms: int) -> None:
    mine = (wearing.c.tag == worn.tag, wearing.c.since_ms == worn.since_ms)
    connection.execute(update(wearing).where(*mine).values(until_ms=max(now_ms, worn.since_ms)))


def lose(connection: Connection, keyring: Keyring, which: int, now_ms: int) -> None:
    """The tag is lost: nobody wears it, and it is still listened for."""
    take_back(connection, keyring, which, now_ms)
    _set_state(connection, which, LOST)


def retire(connection: Connection, keyring: Keyring, which: int, now_ms: int) -> None:
    """The tag is out of use for good: nobody wears it, and it is no longer resolved."""
    take_back(connection, keyring, which, now_ms)
    _set_state(connection, which, RETIRED)


def find_again(connection: Connection, which: int) -> None:
    """A lost tag lies in the office again; nobody wears it.  BadValue for one that was not lost."""
    if connection.scalar(select(tag.c.state).where(tag.c.id == which)) != LOST:
        raise BadValue("this tag is not lost")
    _set_state(connection, which, ACTIVE)


def _set_state(connection: Connection, which: int, state: str) -> None:
    connection.execute(update(tag).where(tag.c.id == which).values(state=state))
    changed(connection)


def _wearings(which: Sequence[int]) -> Select[tuple[int, int, int | None, int]]:
    """The last wearing of each of these tags."""
    last = select(func.max(wearing.c.since_ms)).where(wearing.c.tag == tag.c.id).correlate(tag).scalar_subquery()
    return select(wearing).join(tag, wearing.c.tag == tag.c.id).where(tag.c.id.in_(which), wearing.c.since_ms == last)


def has_key(connection: Connection, keyring: Keyring, number: str, master: bytes) -> bool:
    """Whether the tag of this number is there with this very key; AlreadyThere if it is there with another one."""
    which = connection.scalar(select(tag.c.id).where(tag.c.number == number))
    if which is None:
        return False
    resting = secrets.sealed_key(connection, which)
    if resting is None or keyring.open(which, resting) != master:
        raise AlreadyThere(
            f"there is a tag {number} with another key. If it was flashed anew, retire the old number first"
            " and flash it under a new one."
        )
    return True


def known_keys(connection: Connection, keyring: Keyring) -> dict[bytes, str]:
    """The keys of all tags, opened, with their tags' numbers; let go of them soon."""
    numbers = {each.id: each.number for each in connection.execute(select(tag.c.id, tag.c.number))}
    return {keyring.open(which, key): numbers[which] for which, key in secrets.sealed_keys(connection).items()}


def check_new_key(known: dict[bytes, str], master: bytes) -> None:
    """AlreadyThere when some tag has this key: nobody could say which of the two was heard."""
    if master in known:
        raise AlreadyThere(f"tag {known[master]} has this key: each needs its own, or nobody can tell them apart")
