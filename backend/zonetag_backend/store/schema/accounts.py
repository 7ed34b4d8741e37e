"""Who may use the pages: accounts, their sessions, one-time links, recovery codes.  No secret in clear."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from zonetag_backend.store.schema.base import metadata

account = Table(
    "account",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),  # the name as it is compared: NFC, small letters
    Column("role", String(16), nullable=False),  # one of zonetag_backend.roles.ROLES
    Column("password", Text, nullable=False),  # Argon2id, PHC form; empty until one is set
    Column("totp", LargeBinary),  # secret of the second factor, sealed under the key file; none until set up
    Column("totp_step", BigInteger, nullable=False),  # of the last code taken: none is taken twice
    Column("failures", Integer, nullable=False),  # wrong passwords or codes since the last login
    Column("locked_until_ms", BigInteger, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("added_ms", BigInteger, nullable=False),
    Column("login_ms", BigInteger, nullable=False),  # last one; 0 for never
)

account_session = Table(
    "account_session",
    metadata,
    Column("hash", LargeBinary, primary_key=True),  # SHA-256 of the token in the cookie
    Column("account", ForeignKey("account.id"), nullable=False, index=True),
    Column("stage", String(8), nullable=False),  # one of zonetag_backend.roles.STAGES
    Column("made_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger, nullable=False),
)

account_link = Table(
    "account_link",
    metadata,
    # Opens once, to set a password; the row goes when it has.
    Column("hash", LargeBinary, primary_key=True),  # SHA-256 of the token in the link
    Column("account", ForeignKey("account.id"), index=True),  # none: whoever opens it names a new account
    Column("role", String(16), nullable=False),  # of that new account
    Column("expires_ms", BigInteger, nullable=False),
)

account_recovery = Table(
    "account_recovery",
    metadata,
    # Instead of a code of the second factor; each once.
    Column("account", ForeignKey("account.id"), primary_key=True),
    Column("hash", LargeBinary, primary_key=True),  # SHA-256 of the account's id and the code
)

reading_reason = Table(
    "reading_reason",
    metadata,
    # Why somebody reads the contacts of a case; holds for a working day.
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("case_id", String(64), nullable=False),
    Column("asked_by", Text, nullable=False),  # actor, as in the audit log
    Column("reason", Text, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("agreed_by", Text),  # actor: the second officer; none while nobody has agreed
    Column("agreed_ms", BigInteger),
    Index(None, "asked_ms"),
)
