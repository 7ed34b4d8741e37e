"""Contact logs of tags and what was said over the link; on which side of a door gateways hang."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
)

from zonetag_backend.store.schema.base import metadata

contact_log = Table(
    "contact_log",
    metadata,
    # One row a record of a tag's log (SPEC.md section 12.6).  What names it stands in it and never changes, however
    # often it comes and however the clock of the tag that heard is understood later.
    Column("tag", ForeignKey("tag.id"), primary_key=True),  # who heard
    Column("epoch", Integer, primary_key=True, autoincrement=False),  # of its clock
    Column("eid", LargeBinary, primary_key=True),
    Column("at", SmallInteger, primary_key=True, autoincrement=False),  # slot of its clock of the frame that verified
    Column("peer", ForeignKey("tag.id"), nullable=False),  # who was heard, verified
    Column("start_ms", BigInteger, nullable=False),  # of the epoch, as its clock was understood when the record came
    Column("count", SmallInteger, nullable=False),  # adverts heard; 255 stands for more
    Column("rssi_max", SmallInteger, nullable=False),
    Column("cells", LargeBinary, nullable=False),  # 32 half bytes, one a cell of 32 s
    Column("trusted", Boolean, nullable=False),  # false while one of the two clocks was not confirmed
    Column("received_ms", BigInteger, nullable=False),
    Index(None, "tag", "start_ms"),
    Index(None, "peer", "start_ms"),
    Index(None, "start_ms"),
    sqlite_with_rowid=False,
)

contact_rejected = Table(
    "contact_rejected",
    metadata,
    # Records kept apart, beside the reason.  The authenticator names them too: who may have sent it is not known, and
    # one that was made up must not take the place of another.
    Column("tag", ForeignKey("tag.id"), primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("eid", LargeBinary, primary_key=True),
    Column("at", SmallInteger, primary_key=True, autoincrement=False),
    Column("auth", LargeBinary, primary_key=True),
    Column("reason", String(16), nullable=False),  # a code of zonetag_backend.tracing.contacts
    Column("start_ms", BigInteger, nullable=False),  # by a clock that may be wrong, never after it was received
    Column("count", SmallInteger, nullable=False),
    Column("rssi_max", SmallInteger, nullable=False),
    Column("cells", LargeBinary, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Index(None, "start_ms"),
    sqlite_with_rowid=False,
)

gateway_side = Table(
    "gateway_side",
    metadata,
    # Gateways that hang beside a door: what they hear together tells which way somebody went.
    Column("gateway", ForeignKey("gateway.name"), primary_key=True),
    Column("side", String(8), nullable=False),  # "inside" or "outside"
)

tag_link = Table(
    "tag_link",
    metadata,
    # What each tag said of itself last, over its link (SPEC.md section 12.5), and how far its log is here.
    Column("tag", ForeignKey("tag.id"), primary_key=True),
    Column("talked_ms", BigInteger, nullable=False),  # when it said so
    Column("gateway", String(32), nullable=False),  # through which
    Column("fetched_ms", BigInteger, nullable=False),  # when all was said; 0 for never
    Column("log", LargeBinary, nullable=False),  # identifier of its log
    Column("through", BigInteger, nullable=False),  # every record of it up to here is committed
    Column("next", BigInteger, nullable=False),  # number of the record that it would write next
    Column("clock_s", BigInteger, nullable=False),
    Column("uptime_s", BigInteger, nullable=False),
    Column("battery", Integer),  # thousandths; none: it cannot tell
    Column("version", String(16), nullable=False),  # of its firmware
    Column("flags", SmallInteger, nullable=False),
    Column("settings", LargeBinary, nullable=False),  # the check of its settings
    Column("faults", Text, nullable=False),  # counters, JSON of a list
    Column("passed_over", BigInteger, nullable=False),  # records that it had to drop before they were fetched
    Column("malformed", BigInteger, nullable=False),  # records that are none
)

firmware = Table(
    "firmware",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", String(16), nullable=False, unique=True),
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the archive
    Column("archive", LargeBinary, nullable=False),
    Column("added_ms", BigInteger, nullable=False),
)

link_order = Table(
    "link_order",
    metadata,
    # What tags are to be told, and what became of it.
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tag", ForeignKey("tag.id"), nullable=False),
    Column("kind", String(16), nullable=False),  # as in zonetag_backend.link.records
    Column("body", LargeBinary, nullable=False),
    Column("firmware", ForeignKey("firmware.id")),
    Column("state", String(16), nullable=False),
    Column("code", SmallInteger),  # the tag's answer
    Column("asked_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),  # of no use after this
    Column("settled_ms", BigInteger),  # when its state last changed
    Index(None, "tag", "state"),
)
