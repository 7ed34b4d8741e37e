"""Reports whose clock could not be believed, held until their gateway knows the time."""

from sqlalchemy import BigInteger, Column, LargeBinary, String, Table

from zonetag_backend.store.schema.base import metadata

held_report = Table(
    "held_report",
    metadata,
    Column("gateway", String(32), primary_key=True),
    Column("boot", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("payload", LargeBinary, nullable=False),  # as it came
    Column("rows", LargeBinary, nullable=False),  # which of its windows were kept apart, uint16 little endian each
    Column("received_ms", BigInteger, nullable=False),
)
