"""Data keys of people and of the stock of tags, each sealed under the key-encryption key."""

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Table

from zonetag_backend.store.schema.base import metadata

data_key = Table(
    "data_key",
    metadata,
    # 0: the stock's, for tags that nobody wears; 1: the office's own secrets; else a person's, 63 random bits.
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("person", ForeignKey("person.id"), unique=True),
    Column("mark", LargeBinary, nullable=False),  # which key-encryption key sealed it
    Column("sealed", LargeBinary, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
)
