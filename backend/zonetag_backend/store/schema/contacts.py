"""Contact logs of tags and what was said over the link; on which side of a door gateways hang."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, SmallInteger, String, Table

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
    # Records kept apart, beside the reason.
    Column("tag", ForeignKey("tag.id"), primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("eid", LargeBinary, primary_key=True),
    Column("at", SmallInteger, primary_key=True, autoincrement=False),
    Column("auth", LargeBinary, nullable=False),
    Column("reason", String(16), nullable=False),  # a code of zonetag_backend.tracing.contacts
    Column("start_ms", BigInteger, nullable=False),
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
