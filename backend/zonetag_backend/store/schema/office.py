"""Consent, visitors, health declarations, requests of data subjects, reminders."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from zonetag_backend.store.schema.base import metadata

visitor = Table(
    "visitor",
    metadata,
    # A person who is here for a visit: they are in `person` too, and erased when the retention time is over.
    Column("person", ForeignKey("person.id"), primary_key=True),
    Column("host", Text, nullable=False),  # whom they visit; may be empty
    Column("phone", Text, nullable=False),  # may be empty
    Column("lent_ms", BigInteger, nullable=False),
)

departed = Table(
    "departed",
    metadata,
    # Who has left the office, or ended a visit: erased when the retention time is over.
    Column("person", ForeignKey("person.id"), primary_key=True),
    Column("left_ms", BigInteger, nullable=False),
)

visitor_tag = Table(
    "visitor_tag",
    metadata,
    # Tags that are kept at the desk for visitors.
    Column("tag", ForeignKey("tag.id"), primary_key=True),
)

plan_picture = Table(
    "plan_picture",
    metadata,
    Column("site", ForeignKey("site.name"), primary_key=True),
    Column("kind", String(16), nullable=False),  # media type: image/png or image/jpeg
    Column("width", Integer, nullable=False),  # pixels
    Column("height", Integer, nullable=False),
    Column("picture", LargeBinary, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)

plan_spot = Table(
    "plan_spot",
    metadata,
    # Where a gateway stands on the plan: thousandths of its width from the left, of its height from the top.
    Column("gateway", ForeignKey("gateway.name"), primary_key=True),
    Column("x", SmallInteger, nullable=False),
    Column("y", SmallInteger, nullable=False),
)

reminder = Table(
    "reminder",
    metadata,
    # Somebody is reminded of the tag: it was not heard, or its battery is nearly flat.
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # also what tells a receiver of a repetition
    Column("person", ForeignKey("person.id"), nullable=False),
    Column("cause", String(8), nullable=False),  # "silent" or "flat"
    Column("channel", String(16), nullable=False),  # "webhook" or "email"
    Column("language", String(8), nullable=False),
    Column("text", Text, nullable=False),  # what was said, its first line the subject
    Column("day", Integer, nullable=False),  # UTC days since 1970 of `made_ms`
    Column("made_ms", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),  # as in the audit log
    Column("tried_ms", BigInteger),  # the last attempt
    Column("tries", Integer, nullable=False),
    Column("sent_ms", BigInteger),  # none: not yet, or never
    Column("answer", Text, nullable=False),  # of the other side
    UniqueConstraint("person", "channel", "day"),  # whatever two programs do at once, nobody is reminded twice
)

reminder_off = Table(
    "reminder_off",
    metadata,
    # Whoever does not want to be reminded.
    Column("person", ForeignKey("person.id"), primary_key=True),
    Column("since_ms", BigInteger, nullable=False),
)

screen = Table(
    "screen",
    metadata,
    # A device at a door: it is no account, and reads its own page alone.
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("place", ForeignKey("place.id"), nullable=False),
    Column("title", Text, nullable=False),  # where it hangs
    Column(
        "hash", LargeBinary, nullable=False, unique=True
    ),  # SHA-256 of the link's token, once opened of the device's
    Column("opened_ms", BigInteger),  # none: the link was not opened yet
    Column("shows", String(8), nullable=False),  # "given", "number" or "nothing"
    Column("counts", Boolean, nullable=False),  # whether it shows how many people are in
    Column("made_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger, nullable=False),  # 0 for never
)

declare_link = Table(
    "declare_link",
    metadata,
    # A site has one while people may declare their health; it stands on posters, so it is no secret.
    Column("site", ForeignKey("site.name"), primary_key=True),
    Column("token", String(32), nullable=False, unique=True),
)

declaration = Table(
    "declaration",
    metadata,
    # What somebody declared of their health on a day at a site; a second one of that day takes its place.
    Column("person", ForeignKey("person.id"), primary_key=True),
    Column("site", ForeignKey("site.name"), primary_key=True),
    Column("day", String(10), primary_key=True),  # of the site's calendar
    Column("at_ms", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # questions and answers, JSON, under the person's data key
)

question = Table(
    "question",
    metadata,
    # The office's own questions; while there are none, those of the code are asked.
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("vi", Text, nullable=False),
    Column("en", Text, nullable=False),
)

mine_code = Table(
    "mine_code",
    metadata,
    # With it and the number of their tag, somebody sees once what is held about them.
    Column("person", ForeignKey("person.id"), primary_key=True),
    Column("hash", Text, nullable=False),  # Argon2id, PHC form
    Column("expires_ms", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),  # counted before each is looked at
)

mine_session = Table(
    "mine_session",
    metadata,
    # Somebody looks at what is held about them, and at nothing else.
    Column("hash", LargeBinary, primary_key=True),  # SHA-256 of the token in the cookie
    Column("person", ForeignKey("person.id"), nullable=False, index=True),
    Column("made_ms", BigInteger, nullable=False),
)

mine_wrong = Table(
    "mine_wrong",
    metadata,
    # Wrong codes of the last minutes, whoever's: too many, and everybody waits.
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
)

data_request = Table(
    "data_request",
    metadata,
    # What somebody asks of their own data, with the law's deadlines as they were counted then.
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("person", ForeignKey("person.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),  # a code of zonetag_backend.dutydays
    Column("text", Text, nullable=False),  # in their words; may be empty
    Column("how", String(8), nullable=False),  # "screen" or "paper"
    Column("asked_ms", BigInteger, nullable=False),
    Column("acknowledge_by_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("acknowledged_ms", BigInteger),
    Column("state", String(8), nullable=False),  # "open", "done" or "refused"
    Column("settled_ms", BigInteger),
    Column("answer", Text, nullable=False),  # empty while it is open
)

consent_entry = Table(
    "consent_entry",
    metadata,
    # A ledger: rows are added and never changed; what stands last for a purpose holds.
    Column("person", ForeignKey("person.id"), primary_key=True),
    Column("purpose", String(16), primary_key=True),  # a code of zonetag_backend.store.consent_ledger
    Column("at_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("given", Boolean, nullable=False),  # false: withdrawn
    Column("how", String(8), nullable=False),  # "paper" or "screen"
    Column("version", String(32), nullable=False),  # of the text that was agreed to
    Column("made_by", Text, nullable=False),  # as in the audit log
)

restriction = Table(
    "restriction",
    metadata,
    # Whose data is kept and shown no more, at their request.
    Column("person", ForeignKey("person.id"), primary_key=True),
    Column("since_ms", BigInteger, nullable=False),
)

tag_resting = Table(
    "tag_resting",
    metadata,
    # Tags of people who withdrew their consent: not resolved until they are handed out again.
    Column("tag", ForeignKey("tag.id"), primary_key=True),
    Column("since_ms", BigInteger, nullable=False),
)
