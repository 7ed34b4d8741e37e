"""Enrolled gateways: signing keys, certificates, one-time tokens."""

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from zonetag_backend.store.schema.base import metadata

# Every certificate that the office's authority signed; what is revoked stays here.
certificate = Table(
    "certificate",
    metadata,
    Column("serial", String(40), primary_key=True),  # hexadecimal
    Column("issuer", String(40), nullable=False),  # key identifier of the issuing authority, hexadecimal
    Column("kind", String(16), nullable=False),  # "gateway", "server" or "client"
    Column("name", String(64), nullable=False, index=True),  # its common name; of a gateway, the gateway's
    Column("issued_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),  # none: it counts
    Column("pem", Text, nullable=False),
)

# The last list of revoked certificates of each issuing authority.
revocation_list = Table(
    "revocation_list",
    metadata,
    Column("issuer", String(40), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("start_ms", BigInteger, nullable=False),  # from when it is good, the backdating included
    Column("made_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),  # its nextUpdate
)

# Gateways that are believed no longer, whatever they sign, until they are enrolled again.
gateway_revoked = Table(
    "gateway_revoked",
    metadata,
    Column("gateway", String(32), primary_key=True),
    Column("revoked_ms", BigInteger, nullable=False),
    Column("kicked_ms", BigInteger),  # when the broker was seen to refuse it and its session was ended
)
