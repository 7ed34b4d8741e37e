"""What the set-up needs beside the database: the key of bundles, and what a token says of this server."""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey


@dataclass(frozen=True, slots=True)
class Provision:
    """Each is asked when it is needed: files come and go while the server runs."""

    import_key: Callable[[], X25519PrivateKey]
    # opens bundles; KeyFileError
    url: Callable[[], str]
    # where gateways enrol; ConfigError when they cannot
    pin: Callable[[], bytes]
    # hash of the authority's public key; PkiError when there is none
