"""Screens at doors: devices that read one page and are nobody's account; and what they say of a tag."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from zonetag_backend.errors import BadValue, NotFound
from zonetag_backend.names import text_key
from zonetag_backend.store import audit, restrictions
from zonetag_backend.store.registry import new_id
from zonetag_backend.store.schema import person, place, site, tag, tag_clock, visit, wearing
from zonetag_backend.store.schema.office import restriction, screen
from zonetag_backend.store.sessions import LONGEST_TOKEN, TOUCH_MS, new_token
from zonetag_backend.store.tags import ACTIVE
from zonetag_protocol import status

GIVEN, NUMBER, NOTHING = "given", "number", "nothing"
SHOWS = (GIVEN, NUMBER, NOTHING)  # what a screen says of who was heard
LINK_MS = 24 * 3_600_000  # within which the link of a new screen is opened
LONGEST_TITLE = 64  # characters

HEARD, BATTERY, DESK = "heard", "battery", "desk"  # what a screen answers: the last to whatever it does not know


@dataclass(frozen=True, slots=True)
class Screen:
    """A device, or the link to become one."""

    id: int
    place: int
    place_name: str
    site: str
    title: str
    opened_ms: int | None
    # none: the link was not opened yet
    shows: str
    # one of SHOWS
    counts: bool
    # whether it shows how many people are in
    made_ms: int
    used_ms: int
    # 0 for never


@dataclass(frozen=True, slots=True)
class Where:
    """What a screen needs to know of its place."""

    place: int
    name: str
    site: str
    title: str
    # of the site
    timezone: str
    absence_ms: int


def make(connection: Connection, of_place: int, title: str, shows: str, counts: bool, now_ms: int, actor: str) -> str:  # noqa: PLR0917  # a row has as many parts
    """A new screen; the token of the link that turns a browser into it, once.  BadValue, NotFound."""
    text = " ".join(title.split())
    if not text or len(text) > LONGEST_TITLE or not text.isprintable() or shows not in SHOWS:
        raise BadValue(f"a screen has a name of 1 to {LONGEST_TITLE} characters, and shows one of {', '.join(SHOWS)}")
    if where(connection, of_place) is None:
        raise NotFound("there is no such place: zonetag place list shows all")
    token, new = new_token(), new_id()
    values = {"id": new, "place": of_place, "title": text, "hash": _hash(token), "opened_ms": None}
    more = {"shows": shows, "counts": counts, "made_ms": now_ms, "used_ms": 0}
    connection.execute(insert(screen).values(**values, **more))
    audit.record(connection, now_ms, actor, "screen.make", new, text)
    return token


def link(connection: Connection, token: str, now_ms: int) -> Screen | None:
    """The screen that a link makes, while it may be opened."""
    found = _of_token(connection, token)
    fresh = found is not None and found.opened_ms is None and 0 <= now_ms - found.made_ms <= LINK_MS
    return found if fresh else None


def open_link(connection: Connection, token: str, now_ms: int) -> tuple[Screen, str] | None:
    """Turn a browser into the screen: the screen and the token of its cookie; none if the link is over."""
    found = link(connection, token, now_ms)
    if found is None:
        return None
    device = new_token()
    mine = (screen.c.hash == _hash(token), screen.c.opened_ms.is_(None))
    changed = update(screen).where(*mine).values(hash=_hash(device), opened_ms=now_ms, used_ms=now_ms)
    if connection.execute(changed).rowcount != 1:
        return None
    audit.record(connection, now_ms, f"screen:{found.title}", "screen.open", found.id)
    return found, device


def find(connection: Connection, token: str) -> Screen | None:
    """The screen of a cookie."""
    found = _of_token(connection, token)
    return found if found is not None and found.opened_ms is not None else None


def touch(connection: Connection, which: int, now_ms: int) -> None:
    """A screen is on."""
    old = (screen.c.id == which, screen.c.used_ms <= now_ms - TOUCH_MS)
    connection.execute(update(screen).where(*old).values(used_ms=now_ms))


def stands(connection: Connection, which: int) -> bool:
    """Whether a screen was not revoked meanwhile."""
    return connection.scalar(select(screen.c.id).where(screen.c.id == which)) is not None


def all_screens(connection: Connection) -> list[Screen]:
    """Every screen, by its name."""
    found = [Screen(*row) for row in connection.execute(_SELECT)]
    return sorted(found, key=lambda each: (text_key(each.title), each.id))


def revoke(connection: Connection, which: int, now_ms: int, actor: str) -> None:
    """A screen shows nothing from now on.  NotFound."""
    title = connection.scalar(select(screen.c.title).where(screen.c.id == which))
    if title is None:
        raise NotFound("there is no such screen")
    connection.execute(delete(screen).where(screen.c.id == which))
    audit.record(connection, now_ms, actor, "screen.revoke", which, title)


def where(connection: Connection, of_place: int) -> Where | None:
    """A place and its site."""
    columns = (place.c.id, place.c.name, site.c.name, site.c.title, site.c.timezone, site.c.absence_s * 1000)
    joined = place.join(site, site.c.name == place.c.site)
    row = connection.execute(select(*columns).select_from(joined).where(place.c.id == of_place)).first()
    return None if row is None else Where(*row)


def places(connection: Connection) -> list[Where]:
    """Every place, entrances first."""
    columns = (place.c.id, place.c.name, site.c.name, site.c.title, site.c.timezone, site.c.absence_s * 1000)
    joined = place.join(site, site.c.name == place.c.site)
    rows = connection.execute(select(place.c.kind != "entrance", *columns).select_from(joined))
    found = [(bool(room), Where(*each)) for room, *each in rows]
    return [each for _, each in sorted(found, key=lambda of: (text_key(of[1].title), of[0], text_key(of[1].name)))]


def said_of(connection: Connection, which: int, shows: str, now_ms: int) -> tuple[str, str]:
    """What a screen answers to a tag (HEARD, BATTERY, DESK), and the one word it may say: never a family name."""
    worn = and_(
        wearing.c.tag == tag.c.id,
        wearing.c.since_ms <= now_ms,
        or_(wearing.c.until_ms.is_(None), wearing.c.until_ms > now_ms),
    )
    joined = tag.outerjoin(tag_clock, tag_clock.c.tag == tag.c.id).outerjoin(wearing, worn)
    columns = (tag.c.number, tag.c.state, tag_clock.c.status, wearing.c.person, person.c.name)
    found = select(*columns).select_from(joined.outerjoin(person, person.c.id == wearing.c.person))
    row = connection.execute(found.where(tag.c.id == which)).first()
    if row is None or row.state != ACTIVE or row.person is None:
        return DESK, ""
    flat = row.status is not None and row.status >= 0 and status.unpack(row.status).battery == 0
    if restrictions.since_ms(connection, row.person) is not None:
        shows = NOTHING  # it is heard; by whom is said to nobody
    word = row.number if shows == NUMBER else given_name(row.name) if shows == GIVEN else ""
    return (BATTERY if flat else HEARD), word


def given_name(name: str) -> str:
    """The last word, which is the given name in Vietnam."""
    return name.rsplit(maxsplit=1)[-1] if name.strip() else ""


def count_inside(connection: Connection, of_site: str, absence_ms: int, now_ms: int) -> int:
    """How many people are in: who wears a tag whose last visit goes on; as in the book, without the restricted."""
    v = visit.alias()
    latest = (
        select(func.max(v.c.came_ms)).where(v.c.tag == visit.c.tag, v.c.site == of_site).correlate(visit)
    ).scalar_subquery()
    joined = wearing.join(visit, and_(visit.c.tag == wearing.c.tag, visit.c.site == of_site, visit.c.came_ms == latest))
    now_worn = or_(wearing.c.until_ms.is_(None), wearing.c.until_ms > now_ms)
    told = wearing.c.person.not_in(select(restriction.c.person))
    here = (told, visit.c.last_ms > now_ms - absence_ms, visit.c.last_ms >= wearing.c.since_ms, now_worn)
    counted = select(func.count(wearing.c.person.distinct())).select_from(joined).where(*here)
    return int(connection.scalar(counted) or 0)


def _of_token(connection: Connection, token: str) -> Screen | None:
    if not token or len(token) > LONGEST_TOKEN:
        return None
    row = connection.execute(_SELECT.where(screen.c.hash == _hash(token))).first()
    return None if row is None else Screen(*row)


def _hash(token: str) -> bytes:
    return hashlib.sha256(b"screen " + token.encode("utf-8", "replace")).digest()


_SELECT = select(
    screen.c.id,
    screen.c.place,
    place.c.name,
    place.c.site,
    *(screen.c[name] for name in ("title", "opened_ms", "shows", "counts", "made_ms", "used_ms")),
).select_from(screen.join(place, place.c.id == screen.c.place))
