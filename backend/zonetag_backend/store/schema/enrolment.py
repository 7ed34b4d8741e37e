"""Enrolled gateways: signing keys, certificates, one-time tokens; what was refused of them, and what is missing."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, Text

from zonetag_backend.store.schema.base import metadata

gateway_key = Table(
    "gateway_key",
    metadata,
    # Every key that a gateway ever signed with; the one in use stands in gateway.public_key too.
    Column("gateway", String(32), primary_key=True),
    Column("public_key", LargeBinary, primary_key=True),  # Ed25519, 32 bytes
    Column("from_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger),  # when another took its place; what was captured before stays good
    Column("revoked_ms", BigInteger),  # from then on nothing that it signed counts, whenever that was captured
)

gateway_certificate = Table(
    "gateway_certificate",
    metadata,
    # One row a certificate.  A key of a gateway gets one, ever: a request that comes twice is answered as before.
    Column("key_hash", LargeBinary, primary_key=True),  # SHA-256 of the certified public key
    Column("gateway", String(32), nullable=False),
    Column("serial", String(64), nullable=False),  # hexadecimal
    Column("pem", Text, nullable=False),
    Column("issued_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),  # its end
)

enrolment_token = Table(
    "enrolment_token",
    metadata,
    Column("id", String(16), primary_key=True),  # its first bytes, hexadecimal
    Column("gateway", String(32), nullable=False),
    Column("site", String(32), nullable=False),
    Column("hash", LargeBinary, nullable=False),  # SHA-256 of its secret
    Column("made_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),  # wrong ones; after a few it is dead
    Column("used_ms", BigInteger),
    Column("used_for", LargeBinary),  # SHA-256 of the two keys that it was used for: they alone may ask again
)

gateway_refusal = Table(
    "gateway_refusal",
    metadata,
    # Messages refused whole, by reason.  Under an empty name: of gateways that are not registered.
    Column("gateway", String(32), primary_key=True),
    Column("code", String(16), primary_key=True),
    Column("messages", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
)

gateway_gap = Table(
    "gateway_gap",
    metadata,
    # Reports of a boot that have not come although later ones have.
    Column("gateway", String(32), primary_key=True),
    Column("boot", BigInteger, primary_key=True, autoincrement=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("missing", BigInteger, nullable=False),  # 0: closed
    Column("lost", BigInteger, nullable=False),  # those of which the gateway says that it has them no more
    Column("changed_ms", BigInteger, nullable=False),
)

report_lost = Table(
    "report_lost",
    metadata,
    # What a gateway said that it no longer has.
    Column("gateway", String(32), primary_key=True),
    Column("boot", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
)

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
