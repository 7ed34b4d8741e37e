"""People, tags, places, gateways and who wears what: written here, from the command line or a program.

Every function works inside the caller's transaction (`store.engine.writing`).  Names and numbers are checked; what is
refused says how it should be.
"""

import secrets
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection, Table, insert, select, update

from zonetag_backend.errors import AlreadyThere, BadValue, NotFound
from zonetag_backend.store.schema import gateway, gateway_status, person, place, registry_revision, site
from zonetag_protocol import topics

PLACE_KINDS = ("entrance", "room")
DEFAULT_TIMEZONE = "Asia/Ho_Chi_Minh"
DEFAULT_ABSENCE_S = 900  # fifteen minutes unheard is out: longer than a body or a wall hides a tag
MIN_ABSENCE_S = 60  # presence is merged over gaps of up to a minute, so less would tear a presence apart
MAX_ABSENCE_S = 24 * 3600
MAX_TEXT = 200  # characters of a name that people read


def new_id() -> int:
    """63 random bits: needs no counter, and fits a signed column."""
    return secrets.randbits(63)


def changed(connection: Connection) -> None:
    """Let backends at work see that sites, places, gateways or tags are other than before."""
    connection.execute(update(registry_revision).values(revision=registry_revision.c.revision + 1))


def add_site(
    connection: Connection,
    name: str,
    title: str = "",
    timezone: str = DEFAULT_TIMEZONE,
    absence_s: int = DEFAULT_ABSENCE_S,
) -> None:
    """A site: `name` as in topics, `timezone` an IANA name, `absence_s` seconds unheard until one counts as out."""
    _check_name(name)
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadValue(f"{timezone!r} is no time zone: give an IANA name such as {DEFAULT_TIMEZONE}") from error
    if not MIN_ABSENCE_S <= absence_s <= MAX_ABSENCE_S:
        raise BadValue(f"the absence time is {MIN_ABSENCE_S} to {MAX_ABSENCE_S} seconds")
    _free(connection, site, name, f"there is a site {name} already")
    text = clean_text(title or name, "a site's title")
    connection.execute(insert(site).values(name=name, title=text, timezone=timezone, absence_s=absence_s))
    changed(connection)


def add_place(connection: Connection, site_name: str, name: str, kind: str = "room") -> int:
    """A place of a site, "entrance" or "room"; its id."""
    _site_there(connection, site_name)
    if kind not in PLACE_KINDS:
        raise BadValue("a place is an entrance or a room")
    text = clean_text(name, "a place's name")
    if find_place(connection, site_name, text) is not None:
        raise AlreadyThere(f"site {site_name} has a place {text} already")
    new = new_id()
    connection.execute(insert(place).values(id=new, site=site_name, name=text, kind=kind))
    changed(connection)
    return new


def find_place(connection: Connection, site_name: str, name: str) -> int | None:
    """The id of a place, or none."""
    found: int | None = connection.scalar(select(place.c.id).where(place.c.site == site_name, place.c.name == name))
    return found


def add_gateway(connection: Connection, name: str, site_name: str, place_name: str, now_ms: int) -> None:
    """Register a gateway at a place: from now on its reports are taken."""
    _check_name(name)
    _site_there(connection, site_name)
    where = find_place(connection, site_name, place_name)
    if where is None:
        raise NotFound(
            f"site {site_name} has no place {place_name}: first type zonetag place add {site_name} {place_name!r}"
        )
    _free(connection, gateway, name, f"there is a gateway {name} already; names of gateways are used once in all sites")
    connection.execute(insert(gateway).values(name=name, place=where, added_ms=now_ms, public_key=None))
    # What it was refused while it knocked is told no longer; it will send those reports again.
    connection.execute(update(gateway_status).where(gateway_status.c.gateway == name).values(refused=0))
    changed(connection)


def add_person(connection: Connection, name: str, unit: str = "", code: str | None = None, now_ms: int = 0) -> int:
    """A person, of a department or class `unit`, with the office's own staff number `code`; the new id."""
    text = clean_text(name, "a person's name")
    if code is not None:
        code = clean_text(code, "a staff number", 64)
        if connection.scalar(select(person.c.id).where(person.c.code == code)) is not None:
            raise AlreadyThere(f"there is somebody with the number {code} already")
    unit = clean_text(unit, "a unit") if unit.strip() else ""
    new = new_id()
    connection.execute(insert(person).values(id=new, name=text, unit=unit, code=code, added_ms=now_ms))
    return new


def find_person(connection: Connection, code_or_name: str) -> int:
    """The id of a person by staff number, or by name if only one has it."""
    found = connection.scalars(select(person.c.id).where(person.c.code == code_or_name)).all()
    found = found or connection.scalars(select(person.c.id).where(person.c.name == code_or_name)).all()
    if not found:
        raise NotFound(f"nobody has the number or name {code_or_name!r}: zonetag person list shows all")
    if len(found) > 1:
        raise NotFound(f"{len(found)} people are called {code_or_name!r}: give the staff number instead")
    return int(found[0])


def _check_name(name: str) -> None:
    if not topics.is_name(name):
        raise BadValue(f"{name!r} is no name for a site or gateway: {topics.NAME_RULE}")


def _site_there(connection: Connection, name: str) -> None:
    if connection.scalar(select(site.c.name).where(site.c.name == name)) is None:
        raise NotFound(f"there is no site {name}: first type zonetag site add {name}")


def _free(connection: Connection, table: Table, name: str, message: str) -> None:
    if connection.scalar(select(table.c.name).where(table.c.name == name)) is not None:
        raise AlreadyThere(message)


def clean_text(text: str, what: str, longest: int = MAX_TEXT) -> str:
    """Text on one line with single spaces; BadValue, which names `what`, when it is empty, too long or unprintable."""
    text = " ".join(text.split())
    if not text or len(text) > longest or not text.isprintable():
        raise BadValue(f"{what} is 1 to {longest} characters that can be printed")
    return text
