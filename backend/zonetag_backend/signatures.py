"""Whose signature a message bears, and whether it counts (SPEC.md section 7.1).  Pure.

What is on record of the gateway decides, never the message.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from zonetag_protocol.envelope import Opened

# Why a message of a registered gateway is refused.
NOT_ENROLLED = "not-enrolled"  # it has no key yet, and unsigned messages are not allowed
UNSIGNED = "unsigned"  # it has a key and did not use it
FORGED = "forged"  # no key of any gateway made this signature over these bytes
OTHER_GATEWAY = "other-gateway"  # another gateway's key made it
OLD_KEY = "old-key"  # made with a key that was replaced before what it signs was captured
REVOKED = "revoked"  # the gateway was thrown out
# Of whoever cannot be believed at all; counted beside the above.
MALFORMED = "malformed"
NOT_OURS = "not-ours"
CODES = (NOT_ENROLLED, UNSIGNED, FORGED, OTHER_GATEWAY, OLD_KEY, REVOKED, MALFORMED, NOT_OURS)

MAX_OTHERS = 64  # keys of other gateways that are tried for each name of a culprit; a verification takes 0.1 ms
_PER_GROUP = 4  # searches for the culprit between two calls of `rest`: a flood of forgeries must not cost more


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that a gateway signs or signed with."""

    gateway: str
    public_key: bytes
    # Ed25519, 32 bytes
    until_ms: int | None
    # when another took its place
    revoked: bool


class Signatures:
    """The keys of all gateways."""

    def __init__(self, keys: Iterable[SigningKey], *, allow_unsigned: bool) -> None:
        """`allow_unsigned`: take the word of gateways that were never enrolled."""
        self._allow_unsigned = allow_unsigned
        self._keys: dict[str, list[tuple[SigningKey, Ed25519PublicKey | None]]] = {}
        for key in keys:
            self._keys.setdefault(key.gateway, []).append((key, _loaded(key.public_key)))
        self._searches = _PER_GROUP

    def rest(self) -> None:
        """A new group of messages begins."""
        self._searches = _PER_GROUP

    def is_revoked(self, gateway: str) -> bool:
        """Whether a gateway was thrown out."""
        keys = self._keys.get(gateway)
        return bool(keys) and all(record.revoked for record, _ in keys or ())

    def refusal(self, gateway: str, opened: Opened | None, about: str, captured_ms: int) -> str:
        """Why a message is not taken, a code from above; empty if it is.

        `opened` is its envelope; none counts as unsigned.  `captured_ms` is the UTC that it speaks of.
        """
        keys = self._keys.get(gateway)
        if not keys:
            return "" if self._allow_unsigned else NOT_ENROLLED
        if self.is_revoked(gateway):
            return REVOKED
        good = [(record, key) for record, key in keys if not record.revoked]
        if opened is None or not opened.signed:
            return UNSIGNED
        for record, key in good:
            if key is not None and opened.fits(about, key):
                return "" if record.until_ms is None or captured_ms <= record.until_ms else OLD_KEY
        return self._culprit(gateway, opened, about)

    def _culprit(self, gateway: str, opened: Opened, about: str) -> str:
        if not self._searches:
            return FORGED
        self._searches -= 1
        for _, key in [pair for pair in self._keys[gateway] if pair[0].revoked]:
            if key is not None and opened.fits(about, key):
                return REVOKED
        others = [key for name, pairs in self._keys.items() if name != gateway for _, key in pairs][:MAX_OTHERS]
        found = any(key is not None and opened.fits(about, key) for key in others)
        return OTHER_GATEWAY if found else FORGED


def _loaded(public_key: bytes) -> Ed25519PublicKey | None:
    """None for what is no key: nothing fits it then, and its gateway must be enrolled anew."""
    try:
        return Ed25519PublicKey.from_public_bytes(public_key)
    except (ValueError, UnsupportedAlgorithm):
        return None
