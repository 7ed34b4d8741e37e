"""The audit log, read, checkpointed, verified and expired."""

from collections.abc import Callable, Collection, Iterator, Sequence

from sqlalchemy import Connection, delete, func, insert, select

from zonetag_backend.audit_chain import BAD_CHECKPOINT, EXPIRE, Checkpoint, Entry, Finding, faults
from zonetag_backend.errors import AuditError, NotFound
from zonetag_backend.store import mine_codes, registry
from zonetag_backend.store.audit import SYSTEM, record
from zonetag_backend.store.schema import person, place, site, tag, wearing
from zonetag_backend.store.schema.audit import audit, audit_checkpoint, audit_head
from zonetag_backend.store.schema.cases import case_exposure, case_record
from zonetag_backend.store.schema.office import data_request, screen

_COLUMNS = tuple(audit.c[name] for name in Entry.__slots__)
_CHECKPOINT = (audit_checkpoint.c.seq, audit_checkpoint.c.at_ms, audit_checkpoint.c.hash, audit_checkpoint.c.signature)
MOST = 1000  # entries read at once
LONGEST_ID, LARGEST_ID = 19, 2**63 - 1  # digits, and what the database can hold

Sign = Callable[[bytes], bytes]
"""Ed25519 by the backend's key."""
Fits = Callable[[bytes, bytes], bool]
"""Whether a signature (first) fits what was signed (second)."""


def entries(connection: Connection) -> Iterator[Entry]:
    """Every entry, from the first."""
    for row in connection.execute(select(*_COLUMNS).order_by(audit.c.seq)):
        yield Entry(*row)


def latest(
    connection: Connection,
    wanted: dict[str, str],
    before: int,
    limit: int = MOST,
    *,
    about: Collection[str] | None = None,
    by: str = "",
) -> list[Entry]:
    """The latest entries before seq `before`; `wanted`: actor, action, about that they must have, empty for any.

    Of actions also several, with commas between them.
    `about`: one of these; `by`: the name of an account or of a user of the server.
    """
    statement = select(*_COLUMNS).where(audit.c.seq < before).order_by(audit.c.seq.desc()).limit(limit)
    if wanted.get("action"):
        statement = statement.where(audit.c.action.in_(wanted["action"].split(",")))
    for name in ("actor", "about"):
        if wanted.get(name):
            statement = statement.where(audit.c[name] == wanted[name])
    if about is not None:
        statement = statement.where(audit.c.about.in_(sorted(about)))
    if by:
        statement = statement.where(audit.c.actor.in_((by, f"account:{by}", f"cli:{by}")))
    return [Entry(*row) for row in connection.execute(statement)]


def about_person(connection: Connection, text: str) -> set[str]:
    """What entries about a person are about: themselves, their requests and tags, cases of theirs or with them.

    `text`: their id, staff number, the number of the tag that they wear, or a name that one has; empty when it is
    nobody's.  An erased one is known by the id alone.
    """
    by_id = int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_ID else -1
    by_id = by_id if by_id <= LARGEST_ID else -1
    found = connection.scalar(select(person.c.id).where(person.c.id == by_id)) or mine_codes.wearer(connection, text)
    try:
        found = found or registry.find_person(connection, text)
    except NotFound:
        known = connection.scalar(select(audit.c.seq).where(audit.c.about == text).limit(1))
        return {text} if by_id >= 0 and known is not None else set()
    c, e, r, w = case_record.c, case_exposure.c, data_request.c, wearing.c
    cases = {*connection.scalars(select(c.id).where(c.person == found))}
    cases |= {*connection.scalars(select(e.case).where(e.person == found).distinct())}
    tags = connection.scalars(select(tag.c.number).join(wearing, w.tag == tag.c.id).where(w.person == found))
    asked = connection.scalars(select(r.id).where(r.person == found))
    return {str(found), *map(str, asked), *tags, *map(str, cases), *(f"case {case}" for case in cases)}


def names(connection: Connection) -> dict[str, dict[str, str]]:
    """Names of sites, places and screens as people say them, by what entries say; screens that are revoked have none.

    By kind, the second word of `audit.ACTIONS`.
    """
    return {
        "site": {row.name: row.title for row in connection.execute(select(site.c.name, site.c.title))},
        "place": {str(which): name for which, name in connection.execute(select(place.c.id, place.c.name))},
        "screen": {str(which): title for which, title in connection.execute(select(screen.c.id, screen.c.title))},
    }


def head(connection: Connection) -> tuple[int, bytes]:
    """seq and hash of the last entry; AuditError when somebody has taken away the row that says it."""
    row = connection.execute(select(audit_head.c.seq, audit_head.c.hash)).one_or_none()
    if row is None:
        raise AuditError(
            "the audit log's end was taken out of the database, by somebody who writes past this program: keep a copy"
            " of it for whoever looks into that, then put back a backup (zonetag restore)"
        )
    return int(row.seq), bytes(row.hash)


def checkpoints(connection: Connection) -> list[Checkpoint]:
    """Those kept here."""
    return [Checkpoint(*row) for row in connection.execute(select(*_CHECKPOINT).order_by(audit_checkpoint.c.seq))]


def checkpoint(connection: Connection, sign: Sign, now_ms: int) -> Checkpoint | None:
    """Sign the end of the log; none when nothing was added since the last time."""
    seq, hash_ = head(connection)
    last = connection.scalar(select(func.max(audit_checkpoint.c.seq))) or 0
    if seq <= last:
        return None
    unsigned = Checkpoint(seq, now_ms, hash_, b"")
    made = Checkpoint(seq, now_ms, hash_, sign(unsigned.signed()))
    connection.execute(insert(audit_checkpoint).values(seq=seq, at_ms=now_ms, hash=hash_, signature=made.signature))
    return made


def verify(connection: Connection, fits: Fits, exported: Sequence[Checkpoint] = ()) -> list[Finding]:
    """Everything that is wrong, also against checkpoints that were kept elsewhere; empty when nothing is."""
    known = [*checkpoints(connection), *exported]
    good = [each for each in known if fits(each.signature, each.signed())]
    bad = sorted({each.seq for each in known} - {each.seq for each in good})
    return faults(entries(connection), head(connection), good) + [Finding(BAD_CHECKPOINT, seq, seq) for seq in bad]


def expire(connection: Connection, sign: Sign, before_ms: int, now_ms: int) -> int:
    """Remove entries older than `before_ms`, up to the last checkpoint in which all are; how many.

    That checkpoint stays, and an entry says up to where: the rest still verifies, and a cut by anybody else does not.
    """
    young = connection.scalar(select(func.min(audit.c.seq)).where(audit.c.at_ms >= before_ms))
    end = head(connection)[0] + 1 if young is None else int(young)
    until = connection.scalar(select(func.max(audit_checkpoint.c.seq)).where(audit_checkpoint.c.seq < end))
    first = connection.scalar(select(func.min(audit.c.seq)))
    if until is None or first is None or first > until:
        return 0
    record(connection, now_ms, SYSTEM, EXPIRE, until)
    gone = connection.execute(delete(audit).where(audit.c.seq <= until)).rowcount
    connection.execute(delete(audit_checkpoint).where(audit_checkpoint.c.seq < until))
    checkpoint(connection, sign, now_ms)
    return gone
