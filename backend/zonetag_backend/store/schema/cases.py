"""Cases, what was traced of them, and the notices sent."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from zonetag_backend.store.schema.base import metadata

case_record = Table(
    "case_record",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("person", ForeignKey("person.id"), nullable=False),
    Column("profile", String(32), nullable=False),  # a name of zonetag_backend.tracing.profile
    Column("onset_ms", BigInteger, nullable=False),  # beginning of the day of the first symptoms, or of the test
    Column("basis", String(8), nullable=False),  # "onset" or "test"
    Column("opened_ms", BigInteger, nullable=False),
    Column("opened_by", Text, nullable=False),  # as in the audit log
    Column("reason", Text, nullable=False),
    Column("closed_ms", BigInteger),
    Column("traced_ms", BigInteger),  # when its contacts were last traced; none: not yet
    Index(None, "person"),
)

case_exposure = Table(
    "case_exposure",
    metadata,
    # What was traced, as it stood then: what is told to people must be found again when the rows under it have gone.
    Column("case", ForeignKey("case_record.id"), primary_key=True),
    Column("source", ForeignKey("person.id"), primary_key=True),
    Column("person", ForeignKey("person.id"), primary_key=True),
    Column("day_ms", BigInteger, primary_key=True, autoincrement=False),  # beginning of the day
    Column("evidence", String(8), primary_key=True),  # "direct" or "place"
    Column("generation", SmallInteger, nullable=False),  # 1: F1
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("minutes", Float, nullable=False),  # expected minutes close
    Column("low", Float, nullable=False),
    Column("high", Float, nullable=False),  # between these with 90 %
    Column("probability", Float, nullable=False),  # of as many minutes as the profile asks for
    Column("traced_ms", BigInteger, nullable=False),  # of the trace that found this person first
    Index(None, "person"),
    sqlite_with_rowid=False,
)

case_notice = Table(
    "case_notice",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # also what tells a receiver of a repetition
    Column("case", ForeignKey("case_record.id"), nullable=False),
    Column("person", ForeignKey("person.id"), nullable=False),
    Column("channel", String(16), nullable=False),  # "webhook", "email", or "phone": an officer told them
    Column("language", String(8), nullable=False),
    Column("text", Text, nullable=False),  # what was said
    Column("made_ms", BigInteger, nullable=False),
    Column("tried_ms", BigInteger),  # the last attempt
    Column("tries", Integer, nullable=False),
    Column("sent_ms", BigInteger),  # none: not yet, or never
    Column("answer", Text, nullable=False),  # of the other side
    UniqueConstraint("case", "person", "channel"),  # nobody is told twice of one case
)

case_foreign = Table(
    "case_foreign",
    metadata,
    # A case of another office, imported.
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("office", Text, nullable=False),
    Column("profile", String(32), nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),  # SHA-256 of the file
    Column("imported_ms", BigInteger, nullable=False),
    Column("imported_by", Text, nullable=False),
)

case_match = Table(
    "case_match",
    metadata,
    # Where somebody of the other office was heard here; the identifiers themselves are not kept.
    Column("foreign", ForeignKey("case_foreign.id"), primary_key=True),
    Column("evidence", String(8), primary_key=True),  # "place": a gateway heard them; "direct": a tag did
    Column("heard_by", String(32), primary_key=True),  # the gateway's name, or the tag's number
    Column("start_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("end_ms", BigInteger, nullable=False),
    Column("rssi_max", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
)
