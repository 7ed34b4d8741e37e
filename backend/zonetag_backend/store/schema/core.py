"""The registry, what was heard, and what it means.

What was heard stands in one table a day (`heard_table`), so that expiry drops a table and inserts stay fast.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from zonetag_backend.names import RULE
from zonetag_backend.store.schema.base import metadata
from zonetag_backend.store.schema.forms import inserted, name_order, unit_order, words_of_person, words_of_tag

site = Table(
    "site",
    metadata,
    Column("name", String(32), primary_key=True),  # as in topics
    Column("title", Text, nullable=False),  # as people say it
    Column("timezone", String(64), nullable=False),  # IANA name; a day of the book is a day there
    Column("absence_s", Integer, nullable=False),  # unheard for so long is out
)

place = Table(
    "place",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("site", ForeignKey("site.name"), nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", String(16), nullable=False),  # "entrance" or "room"
    UniqueConstraint("site", "name"),
)

gateway = Table(
    "gateway",
    metadata,
    Column("name", String(32), primary_key=True),  # as in topics
    Column("place", ForeignKey("place.id"), nullable=False),
    Column("added_ms", BigInteger, nullable=False),
    Column("public_key", LargeBinary),  # Ed25519, 32 bytes; none until enrolled
)

gateway_status = Table(
    "gateway_status",
    metadata,
    Column("gateway", String(32), primary_key=True),  # also one that is not registered: it knocks, and is shown
    Column("site", String(32), primary_key=True),
    Column("online", Boolean, nullable=False),
    Column("state_ms", BigInteger, nullable=False),
    Column("health", Text, nullable=False),  # the last health message, JSON
    Column("health_ms", BigInteger, nullable=False),
    Column("refused", Integer, nullable=False),  # reports refused whole while it was not registered
    Column("broken", Integer, nullable=False),  # reports whose `previous` is not the hash of the one before
)

# One row, counted up with every change of sites, places, gateways or tags: a backend at work sees what to read again.
registry_revision = Table(
    "registry_revision",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("revision", BigInteger, nullable=False),
)

person = Table(
    "person",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("unit", Text, nullable=False),  # department or class; may be empty
    Column("code", String(64), unique=True),  # the office's own staff number
    Column("added_ms", BigInteger, nullable=False),
    # Made of the columns above when a row is inserted; store/name_forms.py keeps them.
    Column("words", Text, default=inserted(words_of_person)),  # what a search looks through
    Column("name_order", LargeBinary, default=inserted(name_order)),  # place in a list, byte by byte
    Column("unit_order", LargeBinary, default=inserted(unit_order)),
    Column("name_rule", String(32), default=RULE),  # of `names`, by which the three were made
)

tag = Table(
    "tag",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", String(16), nullable=False, unique=True),  # printed on it
    Column("kind", String(16), nullable=False),  # "zonetag" or "eddystone-eid"
    Column("sealed_key", LargeBinary, nullable=False),  # under a data key; never in clear; empty once destroyed
    Column("state", String(16), nullable=False),  # "active", "lost" or "retired"
    Column("added_ms", BigInteger, nullable=False),
    Column("data_key", BigInteger),  # what seals its key: the wearer's, or the stock's; none: sealed by release 0.1.0
    Column("words", Text, default=inserted(words_of_tag)),  # of its number, as in `person`
    Column("name_rule", String(32), default=RULE),
)

tag_clock = Table(
    "tag_clock",
    metadata,
    Column("tag", ForeignKey("tag.id"), primary_key=True),
    Column("offset_ms", BigInteger, nullable=False),  # UTC minus the tag's own clock
    Column("slack_ms", BigInteger, nullable=False),  # it lies this far from there at most
    Column("offset_at_ms", BigInteger, nullable=False),  # when that was last confirmed by a verified frame
    Column("confirmed", Boolean, nullable=False),  # false: from the card or a wide search, low trust
    Column("slot", BigInteger, nullable=False),  # last good slot on the tag's clock: epoch * 256 + sub
    Column("status", SmallInteger, nullable=False),  # last status byte; -1 for a badge or none yet
    Column("heard_ms", BigInteger, nullable=False),
)

wearing = Table(
    "wearing",
    metadata,
    Column("tag", ForeignKey("tag.id"), primary_key=True),
    Column("since_ms", BigInteger, primary_key=True),
    Column("until_ms", BigInteger),  # none: worn now
    Column("person", ForeignKey("person.id"), nullable=False),
    Index(None, "person", "since_ms"),
)

report = Table(
    "report",
    metadata,
    Column("gateway", String(32), primary_key=True),
    Column("boot", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("utc_ms", BigInteger, nullable=False),
    Column("monotonic_ms", BigInteger, nullable=False),
    Column("synchronised", Boolean, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("windows", Integer, nullable=False),
    Column("hash", LargeBinary, nullable=False),  # of its payload; the next one's `previous`
    Column("previous", LargeBinary, nullable=False),  # what it says the hash before was; they may come in any order
)

report_run = Table(
    "report_run",
    metadata,
    # Reports older than the retention time: these numbers of a boot, both ends included, are in.
    Column("gateway", String(32), primary_key=True),
    Column("boot", BigInteger, primary_key=True, autoincrement=False),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
)

rejected = Table(
    "rejected",
    metadata,
    # What was kept apart: one row a window, beside the reason.
    Column("gateway", String(32), primary_key=True),
    Column("boot", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("row", Integer, primary_key=True, autoincrement=False),  # position in the report
    Column("reason", String(16), nullable=False),  # a code of zonetag_backend.rules
    Column("start_ms", BigInteger, nullable=False),
    Column("span_ms", Integer, nullable=False),
    Column("eid", LargeBinary, nullable=False),
    Column("auth", LargeBinary, nullable=False),
    Column("count", Integer, nullable=False),
    Column("rssi_max", SmallInteger, nullable=False),
    Index(None, "start_ms"),
)

rejected_total = Table(
    "rejected_total",
    metadata,
    Column("gateway", String(32), primary_key=True),
    Column("reason", String(16), primary_key=True),
    Column("windows", BigInteger, nullable=False),
)

presence = Table(
    "presence",
    metadata,
    # Clustered by (place, start); no interval is longer than an hour, so that "who was there at t" is a short range.
    Column("place", ForeignKey("place.id"), primary_key=True),
    Column("start_ms", BigInteger, primary_key=True),
    Column("tag", ForeignKey("tag.id"), primary_key=True),
    Column("end_ms", BigInteger, nullable=False),
    Index(None, "tag", "start_ms"),
    sqlite_with_rowid=False,
)

visit = Table(
    "visit",
    metadata,
    Column("site", ForeignKey("site.name"), primary_key=True),
    Column("came_ms", BigInteger, primary_key=True),  # first hearing
    Column("tag", ForeignKey("tag.id"), primary_key=True),
    Column("last_ms", BigInteger, nullable=False),  # last hearing; out once that is `absence_s` ago
    Column("corrected_ms", BigInteger),  # when a late report last changed it after it had stood as ended
    Index(None, "tag", "came_ms"),
    sqlite_with_rowid=False,
)

visit_correction = Table(
    "visit_correction",
    metadata,
    # What the book said before a late report changed it.
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("site", ForeignKey("site.name"), nullable=False),
    Column("tag", ForeignKey("tag.id"), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("came_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Index(None, "tag", "came_ms"),
)


def heard_table(day: str) -> Table:
    """The table of what was heard on a UTC day `YYYYMMDD`; made when the first window of the day comes."""
    return Table(
        f"heard_{day}",
        MetaData(),
        # Ordered by tag, so that a person's day is one range; the name of the report makes the row unique.
        Column("tag", BigInteger, primary_key=True),
        Column("start_ms", BigInteger, primary_key=True),
        Column("gateway", String(32), primary_key=True),
        Column("boot", BigInteger, primary_key=True),
        Column("seq", BigInteger, primary_key=True),
        Column("row", Integer, primary_key=True),
        Column("place", BigInteger, nullable=False),
        Column("span_ms", Integer, nullable=False),
        Column("count", Integer, nullable=False),
        Column("rssi_max", SmallInteger, nullable=False),
        Column("rssi_p90", SmallInteger, nullable=False),
        Column("rssi_median", SmallInteger, nullable=False),
        Column("rssi_min", SmallInteger, nullable=False),
        Column("slot", BigInteger, nullable=False),  # on the tag's clock; -1 for a badge
        Column("trusted", Boolean, nullable=False),  # false while the tag's clock is not confirmed, and for badges
        sqlite_with_rowid=False,
    )
