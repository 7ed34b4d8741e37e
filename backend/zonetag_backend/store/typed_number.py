"""Tags by the number printed on them, as people type it: "a038" and "A 038" are A-038."""

from sqlalchemy import ColumnElement, Connection, func, select

from zonetag_backend.store.schema import tag

_LEFT_OUT = " -._"


def find(connection: Connection, number: str, *where: ColumnElement[bool]) -> int | None:
    """The tag of a number, exactly as written, else as capitals, spaces and hyphens do not count.

    None when it is none's, or two differ in those alone.  `where`: more that must hold of the tag.
    """
    wanted = number.strip()
    found = connection.scalar(select(tag.c.id).where(tag.c.number == wanted, *where))
    if found is None and (letters := _plain(wanted)):
        written = func.upper(tag.c.number)
        for each in _LEFT_OUT:
            written = func.replace(written, each, "")
        same = connection.scalars(select(tag.c.id).where(written == letters, *where).limit(2)).all()
        found = same[0] if len(same) == 1 else None
    return found


def _plain(number: str) -> str:
    return "".join(each for each in number.upper() if each not in _LEFT_OUT)
