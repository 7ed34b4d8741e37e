"""Project Wycheproof's vectors: the edge cases that broke other people's libraries.

AES-CMAC and AES-CCM with AES-128 run on both Pythons (`both/check_crypto.py`, `both/check_link.py`); here the rest.
"""

import pytest
import wycheproof
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from zonetag_protocol import crypto


def _raw(vector: dict[str, str], *names: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(vector[name]) for name in names)


def test_cmac() -> None:
    tried = refused = 0
    for group, vector in wycheproof.vectors(wycheproof.CMAC):
        key, message, tag = _raw(vector, "key", "msg", "tag")
        if group["keySize"] == 128:
            assert crypto.same(crypto.cmac(key, message), tag) == (vector["result"] == "valid"), vector
            tried += 1
        else:  # AES-192, AES-256 and keys of no AES at all
            with pytest.raises(ValueError, match="16 bytes"):
                crypto.cmac(key, message)
            refused += 1
    assert (tried, refused) == (102, 209)


def test_hkdf() -> None:
    tried = refused = 0
    for _, vector in wycheproof.vectors(wycheproof.HKDF):
        secret, salt, info = _raw(vector, "ikm", "salt", "info")
        if vector["result"] == "valid":
            assert crypto.hkdf_sha256(secret, salt, info, vector["size"]) == bytes.fromhex(vector["okm"]), vector
            tried += 1
        else:
            with pytest.raises(ValueError, match="8160"):
                crypto.hkdf_sha256(secret, salt, info, vector["size"])
            refused += 1
    assert tried > 80
    assert refused > 0


def test_ed25519() -> None:
    """The signatures behind our envelopes: no malleable, truncated or small-order signature passes."""
    good = bad = 0
    for group, vector in wycheproof.vectors(wycheproof.ED25519):
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(group["publicKey"]["pk"]))
        message, signature = _raw(vector, "msg", "sig")
        if vector["result"] == "valid":
            key.verify(signature, message)
            good += 1
        elif vector["result"] == "invalid":
            with pytest.raises(InvalidSignature):
                key.verify(signature, message)
            bad += 1
    assert good > 60
    assert bad > 40
