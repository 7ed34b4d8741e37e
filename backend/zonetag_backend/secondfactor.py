"""The second factor: codes of six digits that change every 30 seconds (RFC 6238, SHA-1, as every telephone's app has
them), and recovery codes for whoever has lost the telephone."""

import hashlib
import hmac
import secrets
from base64 import b32encode

import pyotp

SECRET_BYTES = 20  # RFC 4226, section 4
STEP_S = 30
AROUND = 1  # steps before and after now that are taken: clocks differ, fingers are slow
RECOVERY_CODES = 10
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # no I, O, 0 and 1
_RECOVERY = 10  # characters: 50 bits


def secret_of(token: str) -> bytes:
    """The secret that a session is offered while its second factor is set up: the same each time the page is loaded.

    It hangs on the token, which is in the browser's cookie and nowhere else.
    """
    return hmac.digest(token.encode(), b"zonetag second factor 1", "sha256")[:SECRET_BYTES]


def written(secret: bytes) -> str:
    """A secret as people type it: base32."""
    return b32encode(secret).decode()


def address(secret: bytes, name: str, issuer: str) -> str:
    """What the QR code holds."""
    return pyotp.TOTP(written(secret)).provisioning_uri(name=name, issuer_name=issuer)


def step_of(secret: bytes, code: str, now_ms: int, after: int) -> int | None:
    """The step that a code is of, if it is right and later than step `after`; none for a wrong or used one."""
    digits = "".join(code.split())
    if len(digits) != 6 or not (digits.isascii() and digits.isdecimal()):
        return None
    now = now_ms // 1000 // STEP_S
    totp = pyotp.TOTP(written(secret))
    found = [
        step
        for step in range(now - AROUND, now + AROUND + 1)
        if step >= 0 and hmac.compare_digest(totp.generate_otp(step), digits)
    ]
    # A last step further ahead than can be comes from before the clock was set back, and binds nobody.
    last = after if after <= now + AROUND else -1
    return next((step for step in found if step > last), None)


def new_recovery_codes() -> list[str]:
    """Codes to be written down, `XXXXX-XXXXX`."""
    half = _RECOVERY // 2
    codes = ("".join(secrets.choice(_ALPHABET) for _ in range(_RECOVERY)) for _ in range(RECOVERY_CODES))
    return [f"{code[:half]}-{code[half:]}" for code in codes]


def recovery_hash(account: int, code: str) -> bytes:
    """What is kept of a recovery code; however it is typed."""
    plain = "".join(c for c in code.upper() if c.isalnum())[:64]
    return hashlib.sha256(b"zonetag recovery 1" + account.to_bytes(8, "big") + plain.encode()).digest()
