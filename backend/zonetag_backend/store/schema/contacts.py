"""Contact logs of tags and what was said over the link."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, SmallInteger, String, Table

from zonetag_backend.store.schema.base import metadata

contact_log = Table(
    "contact_log",
    metadata,
    # One row a record of a tag's log.  What names it is the reporter's own clock and what it heard, which never
    # change however often the record comes and however its clock is understood later.
    Column("tag", ForeignKey("tag.id"), primary_key=True),  # who heard
    Column("t", BigInteger, primary_key=True, autoincrement=False),  # second of its clock at the period's beginning
    Column("eid", LargeBinary, primary_key=True),
    Column("peer", ForeignKey("tag.id"), nullable=False),  # who was heard, verified
    Column("start_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger, nullable=False),  # of the period, by the reporter's clock as understood then
    Column("looks", Integer, nullable=False),  # looks of the period that heard it
    Column("rssi_max", SmallInteger, nullable=False),
    Column("rssi_p90", SmallInteger, nullable=False),  # as rssi_max where the log keeps no other
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
    Column("t", BigInteger, primary_key=True, autoincrement=False),
    Column("eid", LargeBinary, primary_key=True),
    Column("auth", LargeBinary, nullable=False),
    Column("reason", String(16), nullable=False),  # a code of zonetag_backend.tracing.contacts
    Column("start_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger, nullable=False),
    Column("looks", Integer, nullable=False),
    Column("rssi_max", SmallInteger, nullable=False),
    Column("rssi_p90", SmallInteger, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Index(None, "start_ms"),
    sqlite_with_rowid=False,
)
