"""The audit log: every read of a person's data and every administrative act, in the transaction of the act itself."""

from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from zonetag_backend.audit_chain import EXPIRE, linked
from zonetag_backend.store import rows
from zonetag_backend.store.schema.audit import audit, audit_head

SYSTEM = "system"

# Every code, with what `about` holds then.  Codes are for ever; words for them are made by the pages.
ACTIONS = {
    # reads of people's data
    "book.read": "site",
    "person.read": "person",
    "people.read": "person",  # nothing: the list of all
    "inside.read": "site",
    "declaration.read": "site",
    "contacts.read": "case",
    "contacts.trace": "person",  # at the command line, outside any case
    "import.read": "case of another office",
    "case.read": "case",
    "audit.read": "",
    # what somebody does to people, tags, sites and gateways
    "person.add": "person",
    "person.change": "person",
    "person.remove": "person",
    "person.erase": "person",
    "tag.add": "tag number",
    "tag.give": "tag number",
    "tag.take": "tag number",
    "tag.state": "tag number",
    "tag.order": "tag number",
    "tag.pool": "tag number",
    "firmware.add": "version",
    "people.import": "",
    "visitor.lend": "tag number",
    "visitor.return": "tag number",
    "plan.change": "site",
    "visitors.read": "",
    "site.add": "site",
    "place.add": "place",
    "gateway.add": "gateway",
    "gateway.enrol": "gateway",
    "gateway.revoke": "gateway",
    "gateway.command": "gateway",
    "gateway.update": "gateway",
    "gateway.side": "gateway",
    "ca.init": "",
    "ca.renew": "",
    "broker.config": "folder",
    "key.rotate": "mark of the key",
    "backup.make": "file",
    "backup.restore": "file",
    "retention.expire": "",
    # screens at doors, and the questions of the health declaration
    "screen.make": "screen",
    "screen.open": "screen",
    "screen.revoke": "screen",
    "question.change": "",
    "declaration.switch": "site",
    # what people ask of their own data, and what they agreed to
    "mine.code": "person",
    "mine.read": "person",
    "mine.export": "person",
    "person.restrict": "person",
    "person.release": "person",
    "agreement.give": "person",
    "agreement.withdraw": "person",
    "agreement.missing": "person",
    "agreement.read": "",
    "request.open": "request",
    "request.acknowledge": "request",
    "request.settle": "request",
    "request.read": "request",  # nothing: the list of all
    # cases and papers
    "case.open": "case",
    "case.change": "case",
    "case.close": "case",
    "reason.give": "case",
    "consent.give": "case",
    "import.open": "case of another office",
    "import.reason": "case of another office",
    "import.consent": "case of another office",
    "export.make": "what was exported",
    "reminder.send": "how many people",
    "reminder.off": "person",
    "reminder.on": "person",
    # accounts
    "account.add": "account",
    "account.link": "account",  # nothing: whoever opens it names a new one
    "account.role": "account",
    "account.disable": "account",
    "account.enable": "account",
    "account.reset": "account",
    "account.password": "account",
    "account.totp": "account",
    "account.totp-reset": "account",
    "account.unlock": "account",
    "account.recovery": "account",
    "login": "account",
    "login.fail": "account",
    "logout": "account",
    # the log itself
    "audit.export": "",
    EXPIRE: "seq of the last entry removed",
}

MOST_ABOUT = 200  # characters kept of `about`
MOST_REASON = 1000  # and of `reason`


def record(  # noqa: PLR0917  # an entry has as many parts, and reads as one line where it is made
    connection: Connection, now_ms: int, actor: str, action: str, about: object = "", reason: str = ""
) -> None:
    """Add an entry, inside the caller's writing transaction: it stands if and only if the act does.

    `actor`: "account:NAME", "cli:OS USER" or SYSTEM; `action`: one of ACTIONS (ValueError for any other); `about`: an
    id; `reason`: what was given, if one was asked for.
    """
    record_all(connection, now_ms, actor, [(action, about, reason)])


def record_all(connection: Connection, now_ms: int, actor: str, entries: Sequence[tuple[str, object, str]]) -> None:
    """Add entries (action, about, reason) of one actor, as `record` does, in as few statements as one takes."""
    unknown = {action for action, _, _ in entries} - ACTIONS.keys()
    if unknown:
        raise ValueError(f"{unknown} are no actions: add them to ACTIONS in store/audit.py")
    if not entries:
        return
    # The update takes the head's lock before it is read: two writers follow each other on every database.
    connection.execute(update(audit_head).where(audit_head.c.id == 1).values(seq=audit_head.c.seq + len(entries)))
    seq, before = connection.execute(select(audit_head.c.seq, audit_head.c.hash)).one()
    chain = []
    for at, (action, about, reason) in enumerate(entries, seq - len(entries)):
        texts = (_kept(actor, MOST_ABOUT), action, _kept(str(about), MOST_ABOUT), _kept(reason, MOST_REASON))
        entry = linked((at, before), now_ms, texts)
        chain.append(tuple(getattr(entry, column.name) for column in audit.columns))
        before = entry.hash
    rows.insert(connection, audit, chain)
    connection.execute(update(audit_head).where(audit_head.c.id == 1).values(hash=before))


def recorded_since(connection: Connection, since_ms: int, actor: str, action: str, about: object) -> bool:
    """Whether the same actor's same read stands already, at `since_ms` or later: a page that is open asks often."""
    same = (audit.c.about == _kept(str(about), MOST_ABOUT), audit.c.actor == actor, audit.c.action == action)
    found = connection.scalar(select(audit.c.seq).where(*same, audit.c.at_ms >= since_ms).limit(1))
    return found is not None


def _kept(text: str, most: int) -> str:
    """What a database can keep: no half characters, no NUL, not too long."""
    return text[:most].encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
