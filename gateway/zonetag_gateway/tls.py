"""Whom this gateway believes over TLS, and what it shows of itself."""

import ssl
from pathlib import Path

_NO_CHECK_TIME = 0x200000  # OpenSSL: X509_V_FLAG_NO_CHECK_TIME


def context(
    ca: Path | None, cert: Path | None = None, key: Path | None = None, *, check_time: bool = True
) -> ssl.SSLContext:
    """Verifies servers against `ca` (none: what the system trusts).  OSError, ssl.SSLError for files that do not fit.

    Without `check_time` a certificate counts whatever the day: for a gateway whose system is known to live in the
    past, where every certificate would be "not yet valid" and NTP may be out of reach for good.
    """
    made = ssl.create_default_context(cafile=str(ca) if ca else None)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert is not None:
        made.load_cert_chain(cert, key)
    if not check_time:
        made.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    return made


def of_root(root_pem: str, *, check_time: bool = True) -> ssl.SSLContext:
    """Verifies servers against this root alone."""
    made = ssl.create_default_context(cadata=root_pem)
    if not check_time:
        made.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    return made


def of_nobody() -> ssl.SSLContext:
    """Believes any server: for what is checked by other means, and says nothing secret."""
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made
