"""Health declarations: asked by a link, kept with the day's visit, sealed under the key of whoever made them."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, or_, select, update

from zonetag_backend.errors import BadValue, NotFound
from zonetag_backend.keys import DataKey, Keyring
from zonetag_backend.store import audit, consent_ledger, restrictions, rows, typed_number
from zonetag_backend.store.schema import person, site, tag, wearing
from zonetag_backend.store.schema.office import declaration, declare_link, question
from zonetag_backend.store.schema.secrets import data_key
from zonetag_backend.store.secrets import of_person
from zonetag_backend.store.tags import ACTIVE

LONGEST_QUESTION = 300  # characters
MOST_QUESTIONS = 20
TOKEN_BYTES = 12  # stands on a poster; it only keeps strangers from finding the page by chance

# What the national health declaration asked (NCOVI, 2020-2021), in both languages; all are answered by yes or no.
DEFAULT = (
    (
        "Trong 14 ngày qua, anh/chị có đến vùng có dịch hoặc nước ngoài không?",
        "In the past 14 days, have you been in an area with an outbreak, or abroad?",
    ),
    (
        "Trong 14 ngày qua, anh/chị có sốt, ho, khó thở, viêm phổi, đau họng hoặc mệt mỏi không?",
        "In the past 14 days, have you had a fever, a cough, difficulty in breathing, pneumonia, a sore throat"
        " or fatigue?",
    ),
    (
        "Trong 14 ngày qua, anh/chị có tiếp xúc với người bệnh hoặc người nghi mắc bệnh không?",
        "In the past 14 days, have you been in contact with somebody who is ill with it or may be?",
    ),
    (
        "Trong 14 ngày qua, anh/chị có tiếp xúc với người đến từ vùng có dịch không?",
        "In the past 14 days, have you been in contact with somebody from an area with an outbreak?",
    ),
    (
        "Trong 14 ngày qua, anh/chị có tiếp xúc với người có biểu hiện sốt, ho, khó thở hoặc viêm phổi không?",
        "In the past 14 days, have you been in contact with somebody who had a fever, a cough, difficulty in"
        " breathing or pneumonia?",
    ),
)


@dataclass(frozen=True, slots=True)
class Question:
    """One question, in both languages."""

    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Declared:
    """What somebody declared."""

    person: int
    name: str
    unit: str
    at_ms: int
    answers: tuple[tuple[Question, bool], ...]
    # with the question as it stood then

    @property
    def worries(self) -> int:
        """How many answers are yes."""
        return sum(yes for _, yes in self.answers)


def questions(connection: Connection) -> list[Question]:
    """What is asked: the office's own list, else DEFAULT."""
    own = connection.execute(select(question.c.vi, question.c.en).order_by(question.c.position)).all()
    return [Question(vi, en) for vi, en in own or DEFAULT]


def set_questions(connection: Connection, wanted: Sequence[Question], now_ms: int, actor: str) -> None:
    """Another list; an empty one is DEFAULT again.  BadValue."""
    texts = [text for each in wanted for text in (each.vi, each.en)]
    if len(wanted) > MOST_QUESTIONS or any(not text or len(text) > LONGEST_QUESTION for text in texts):
        raise BadValue(f"at most {MOST_QUESTIONS} questions, each in both languages, of {LONGEST_QUESTION} characters")
    if any(not text.isprintable() for text in texts):
        raise BadValue("a question has a character that cannot be printed")
    connection.execute(delete(question))
    rows.insert(connection, question, [(n, each.vi, each.en) for n, each in enumerate(wanted)])
    audit.record(connection, now_ms, actor, "question.change")


def link_of(connection: Connection, of_site: str) -> str:
    """The token of a site's link; empty while declarations are off there."""
    return connection.scalar(select(declare_link.c.token).where(declare_link.c.site == of_site)) or ""


def switch(connection: Connection, of_site: str, on: bool, now_ms: int, actor: str) -> None:
    """Switch declarations on (a new link) or off (the old one opens nothing).  NotFound."""
    if connection.scalar(select(site.c.name).where(site.c.name == of_site)) is None:
        raise NotFound("there is no such site: zonetag site list shows all")
    connection.execute(delete(declare_link).where(declare_link.c.site == of_site))
    if on:
        connection.execute(insert(declare_link).values(site=of_site, token=secrets.token_urlsafe(TOKEN_BYTES)))
    audit.record(connection, now_ms, actor, "declaration.switch", of_site, "on" if on else "off")


def site_of(connection: Connection, token: str) -> str | None:
    """The site of a link."""
    return connection.scalar(select(declare_link.c.site).where(declare_link.c.token == token[:32]))


def wearer(connection: Connection, number: str, now_ms: int) -> int | None:
    """Who wears the tag of this number now."""
    worn = (wearing.c.since_ms <= now_ms, or_(wearing.c.until_ms.is_(None), wearing.c.until_ms > now_ms))
    which = typed_number.find(connection, number, tag.c.state == ACTIVE)
    return connection.scalar(select(wearing.c.person).where(wearing.c.tag == which, *worn))


def declare(  # noqa: PLR0917  # whose, where, when, what
    connection: Connection, keyring: Keyring, who: int, of_site: str, day: str, answers: Mapping[int, bool], now_ms: int
) -> None:
    """Keep the answers of a person, by position of the question; a second declaration of a day takes the first's place.

    BadValue unless every question is answered.
    """
    asked = questions(connection)
    if set(answers) != set(range(len(asked))):
        raise BadValue("every question wants an answer")
    told = [{"vi": each.vi, "en": each.en, "yes": answers[n]} for n, each in enumerate(asked)]
    under = of_person(connection, keyring, who, now_ms)
    secret = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    sealed = keyring.seal_secret(under, _about(who, of_site, day), secret)
    same = (declaration.c.person == who, declaration.c.site == of_site, declaration.c.day == day)
    if not connection.execute(update(declaration).where(*same).values(at_ms=now_ms, sealed=sealed)).rowcount:
        values = {"person": who, "site": of_site, "day": day, "at_ms": now_ms, "sealed": sealed}
        connection.execute(insert(declaration).values(**values))


def declared(connection: Connection, of_site: str, day: str) -> set[int]:
    """Who has declared on a day, but for the restricted; not what."""
    mine = (declaration.c.site == of_site, declaration.c.day == day)
    return set(connection.scalars(select(declaration.c.person).where(*mine))) - _hidden(connection)


def read(connection: Connection, keyring: Keyring, of_site: str, day: str, floor_ms: int = 0) -> list[Declared]:
    """What was declared on a day, the latest first; nothing from before `floor_ms`, nothing of the restricted.

    Whoever shows it records it in the audit log.
    """
    hidden = _hidden(connection)
    joined = declaration.join(person, person.c.id == declaration.c.person).join(
        data_key, data_key.c.person == declaration.c.person
    )
    columns = (person.c.id, person.c.name, person.c.unit, declaration.c.at_ms, declaration.c.sealed)
    keys = (data_key.c.id.label("key"), data_key.c.mark, data_key.c.sealed.label("key_sealed"))
    mine = (declaration.c.site == of_site, declaration.c.day == day, declaration.c.at_ms >= floor_ms)
    found = select(*columns, *keys).select_from(joined).where(*mine).order_by(declaration.c.at_ms.desc())
    out = []
    for row in connection.execute(found):
        if row.id in hidden:
            continue
        under = DataKey(row.key, row.mark, row.key_sealed)
        told = json.loads(keyring.open_secret(under, _about(row.id, of_site, day), row.sealed))
        answers = tuple((Question(each["vi"], each["en"]), bool(each["yes"])) for each in told)
        out.append(Declared(row.id, row.name, row.unit, row.at_ms, answers))
    return out


def _hidden(connection: Connection) -> frozenset[int]:
    """Whose declarations nobody reads any more."""
    return restrictions.everybody(connection) | consent_ledger.withdrawn(connection, consent_ledger.HEALTH)


def _about(who: int, of_site: str, day: str) -> str:
    return f"declaration {who} {of_site} {day}"
