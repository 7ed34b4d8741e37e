"""The audit log: who did or read what, each entry chained to the one before (`zonetag_backend.audit_chain`)."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from zonetag_backend.store.schema.base import metadata

audit = Table(
    "audit",
    metadata,
    # The one key with a counter: a chain has an order, and a gap in it must be seen.
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),  # "account:NAME", "cli:OS USER" or "system"
    Column("action", String(32), nullable=False),  # a code of store.audit.ACTIONS
    Column("about", Text, nullable=False),  # an id; may be empty
    Column("reason", Text, nullable=False),
    Column("previous", LargeBinary, nullable=False),  # hash of the entry before, 32 bytes
    Column("hash", LargeBinary, nullable=False),
    Index(None, "at_ms"),
    Index(None, "about", "at_ms"),
)

# One row: the end of the chain.  Whoever writes updates it first, so that writers follow each other on every database.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

audit_checkpoint = Table(
    "audit_checkpoint",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),  # Ed25519 by the backend's signing key
)
