"""Everything that is held about one person, read for that person.  Others are counted, never named.

Each table that refers to a person has its part here; a test finds one that was forgotten.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, case, func, or_, select

from zonetag_backend.keys import DataKey, Keyring
from zonetag_backend.store import cases, consent_ledger, people, restrictions, subject_requests
from zonetag_backend.store.book import Stay, stays_of_person
from zonetag_backend.store.consent_ledger import Entry
from zonetag_backend.store.people import Worn
from zonetag_backend.store.person_day import Spell, spells_of_person
from zonetag_backend.store.schema import contacts, person, wearing
from zonetag_backend.store.schema.accounts import account
from zonetag_backend.store.schema.audit import audit
from zonetag_backend.store.schema.cases import case_exposure, case_notice, case_record
from zonetag_backend.store.schema.office import declaration, departed, mine_code, reminder, reminder_off, visitor
from zonetag_backend.store.schema.secrets import data_key
from zonetag_backend.store.subject_requests import Request

DAY_MS = 86_400_000
MOST_LOOKS = 500  # of the audit log, the latest

# What the audit log holds of a person is about them alone, or about a case that they are.
OTHER = "other"  # who looked is no account any more, or was a program

# Where each table that refers to a person is told; a test holds this against the schema.
TOLD = {
    "wearing": "worn",
    "data_key": "",  # a random key, and nothing about anybody
    "case_record": "cases",
    "case_exposure": "contact_days",
    "case_notice": "notices",
    "visitor": "visiting",
    "departed": "left_ms",
    "reminder": "reminders",
    "reminder_off": "no_reminders",
    "declaration": "declarations",
    "mine_code": "code_until_ms",
    "mine_session": "",  # the one that reads this
    "data_request": "requests",
    "consent_entry": "consents",
    "restriction": "restricted_ms",
}


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody read or changed something of theirs."""

    at_ms: int
    role: str
    # of roles.ROLES, "self", "console" (a command on the server), "system" or OTHER
    name: str
    # of the account, for whoever may see it
    action: str


@dataclass(frozen=True, slots=True)
class Told:
    """A message that was sent to them, or waits."""

    made_ms: int
    channel: str
    text: str
    sent_ms: int | None
    answer: str = ""
    # what an officer noted that they said to it on the telephone


@dataclass(frozen=True, slots=True)
class Answers:
    """A health declaration."""

    site: str
    day: str
    at_ms: int
    answers: tuple[tuple[str, bool], ...]
    # question in the language that was asked for, and whether the answer was yes


@dataclass(frozen=True, slots=True)
class ContactDay:
    """How many others were near, on a day (UTC ms of its beginning)."""

    day_ms: int
    tags: int
    # other tags that theirs heard, or that heard theirs
    traced: int
    # people with whom a contact was traced


@dataclass(frozen=True, slots=True)
class OwnCase:
    """A case that they are."""

    profile: str
    onset_ms: int
    opened_ms: int
    closed_ms: int | None


@dataclass(frozen=True, slots=True)
class Mine:
    """All of it."""

    person: int
    name: str
    unit: str
    code: str
    added_ms: int
    worn: tuple[Worn, ...]
    visits: tuple[Stay, ...]
    places: tuple[Spell, ...]
    contact_days: tuple[ContactDay, ...]
    declarations: tuple[Answers, ...]
    notices: tuple[Told, ...]
    reminders: tuple[Told, ...]
    no_reminders: bool
    cases: tuple[OwnCase, ...]
    consents: tuple[Entry, ...]
    requests: tuple[Request, ...]
    restricted_ms: int | None
    visiting: tuple[str, str] | None
    # whom, and their telephone number
    left_ms: int | None
    code_until_ms: int | None
    # another code for this page is open until then
    looks: tuple[Look, ...]


def read(
    connection: Connection,
    keyring: Keyring | None,
    who: int,
    *,
    floor_ms: int,
    now_ms: int,
    day_of: Callable[[int], int],
    language: str,
) -> Mine:
    """All that is held; nothing from before `floor_ms`, as everywhere.  NotFound.

    `day_of`: the beginning of the day of a time, on the office's clocks.
    """
    of = people.with_id(connection, who)
    added_ms = connection.execute(select(person.c.added_ms).where(person.c.id == who)).scalar_one()
    v = visitor.c
    visiting = connection.execute(select(v.host, v.phone).where(v.person == who)).first()
    n, r, c = case_notice.c, reminder.c, case_record.c
    said = case((n.channel == cases.PHONE, n.answer), else_="")  # on another channel it is a machine's
    notices = select(n.made_ms, n.channel, n.text, n.sent_ms, said).where(n.person == who, n.made_ms >= floor_ms)
    reminders = select(r.made_ms, r.channel, r.text, r.sent_ms).where(r.person == who, r.made_ms >= floor_ms)
    own = select(c.profile, c.onset_ms, c.opened_ms, c.closed_ms).where(c.person == who, cases.kept(floor_ms))
    return Mine(
        person=who,
        name=of.name,
        unit=of.unit,
        code=of.code,
        added_ms=added_ms,
        worn=tuple(people.history(connection, who, floor_ms)),
        visits=tuple(stays_of_person(connection, who, floor_ms, now_ms + DAY_MS, now_ms)),
        places=tuple(spells_of_person(connection, who, floor_ms, now_ms + DAY_MS)),
        contact_days=tuple(_contact_days(connection, who, floor_ms, day_of)),
        declarations=tuple(_declarations(connection, keyring, who, floor_ms, language)),
        notices=tuple(Told(*row) for row in connection.execute(notices.order_by(n.made_ms))),
        reminders=tuple(Told(*row) for row in connection.execute(reminders.order_by(r.made_ms))),
        no_reminders=connection.scalar(select(reminder_off.c.person).where(reminder_off.c.person == who)) is not None,
        cases=tuple(OwnCase(*row) for row in connection.execute(own.order_by(c.opened_ms))),
        consents=tuple(consent_ledger.entries(connection, who)),
        requests=tuple(subject_requests.requests(connection, who)),
        restricted_ms=restrictions.since_ms(connection, who),
        visiting=None if visiting is None else (visiting.host, visiting.phone),
        left_ms=connection.scalar(select(departed.c.left_ms).where(departed.c.person == who)),
        code_until_ms=connection.scalar(
            select(mine_code.c.expires_ms).where(mine_code.c.person == who, mine_code.c.expires_ms > now_ms)
        ),
        looks=tuple(_looks(connection, who)),
    )


def _contact_days(
    connection: Connection, who: int, floor_ms: int, day_of: Callable[[int], int]
) -> Iterable[ContactDay]:
    log, w, e = contacts.contact_log.c, wearing.c, case_exposure.c
    heard: dict[int, set[int]] = {}
    for which, since, until in connection.execute(select(w.tag, w.since_ms, w.until_ms).where(w.person == who)).all():
        begin, end = max(since, floor_ms), 1 << 62 if until is None else until
        rows = select(log.tag, log.peer, log.start_ms).where(
            or_(log.tag == which, log.peer == which), log.start_ms >= begin, log.start_ms < end
        )
        for one, other, start in connection.execute(rows):
            heard.setdefault(day_of(start), set()).add(other if one == which else one)
    traced: Counter[int] = Counter()
    pairs = select(e.day_ms, func.count(e.source.distinct())).where(e.person == who, e.last_ms >= floor_ms)
    for day, number in connection.execute(pairs.group_by(e.day_ms)):
        traced[day_of(day)] += number
    for day in sorted(heard.keys() | traced.keys()):
        yield ContactDay(day, len(heard.get(day, ())), traced[day])


def _declarations(
    connection: Connection, keyring: Keyring | None, who: int, floor_ms: int, language: str
) -> Iterable[Answers]:
    if keyring is None:
        return
    d = declaration.c
    rows = select(d.site, d.day, d.at_ms, d.sealed).where(d.person == who, d.at_ms >= floor_ms).order_by(d.at_ms)
    found = connection.execute(rows).all()
    key = select(data_key.c.id, data_key.c.mark, data_key.c.sealed).where(data_key.c.person == who)
    under = [DataKey(*row) for row in connection.execute(key)]
    for site, day, at_ms, sealed in found if under else ():
        # Sealed to this very text, as store/declarations.py does it.
        opened = json.loads(keyring.open_secret(under[0], f"declaration {who} {site} {day}", sealed))
        yield Answers(site, day, at_ms, tuple((str(each[language]), bool(each["yes"])) for each in opened))


def _looks(connection: Connection, who: int) -> Iterable[Look]:
    """From the audit log: what is about them or a case of theirs, by whom; a name stands for no account any more."""
    own = {str(who), *map(str, connection.scalars(select(case_record.c.id).where(case_record.c.person == who)))}
    roles = {row.name: row.role for row in connection.execute(select(account.c.name, account.c.role))}
    a = audit.c
    rows = select(a.at_ms, a.actor, a.action).where(a.about.in_(sorted(own))).order_by(a.seq.desc()).limit(MOST_LOOKS)
    for at_ms, actor, action in connection.execute(rows):
        kind, _, name = actor.partition(":")
        role = {"person": "self", "cli": "console", "system": "system"}.get(kind, OTHER)
        if kind == "account":
            role = roles.get(name, OTHER)
        yield Look(at_ms, role, name if kind == "account" else "", action)
