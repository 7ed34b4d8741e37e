"""What the tests of the wire format share: the seed, and the vectors of `tests/vectors` with those made on the spot."""

import hmac
import os
import random
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
import second_implementation as second
import wycheproof

VECTORS = Path(__file__).parents[1] / "vectors"
RANDOM = 40  # random inputs for each comparison: some seconds on a tag's interpreter, none here


@pytest.fixture(scope="session")
def seed() -> int:
    """Where the random tests begin: ZONETAG_SEED, or another in each run; a test that takes it prints it."""
    return int(os.environ.get("ZONETAG_SEED") or secrets.randbits(32))


@pytest.fixture(scope="session")
def vector_folder(tmp_path_factory: pytest.TempPathFactory, seed: int) -> Path:
    """All vectors that the shared checks read."""
    folder = tmp_path_factory.mktemp("vectors")
    for file in VECTORS.glob("*.json"):
        shutil.copy(file, folder)
    print(f"ZONETAG_SEED={seed}")
    rng = random.Random(seed)
    (folder / "wycheproof_cmac.txt").write_text(_lines(_cmacs()))
    (folder / "wycheproof_ccm.txt").write_text(_lines(_ccms()))
    (folder / "random_sessions.txt").write_text(_lines(_session(rng) for _ in range(RANDOM // 2)))
    (folder / "random_crypto.txt").write_text(_lines(_answered(rng) for _ in range(RANDOM)))
    (folder / "random_frames.txt").write_text(_lines(_sealed(rng) for _ in range(RANDOM)))
    return folder


def _lines(rows: Iterable[list[bytes]]) -> str:
    return "".join(" ".join(part.hex() or "-" for part in row) + "\n" for row in rows)


def _cmacs() -> list[list[bytes]]:
    """AES-128 with whole MACs; the other key sizes are tests/protocol/test_wycheproof.py's."""
    return [
        [bytes([test["result"] == "valid"]), *[bytes.fromhex(test[name]) for name in ("key", "msg", "tag")]]
        for group, test in wycheproof.vectors(wycheproof.CMAC)
        if group["keySize"] == 128
    ]


def _ccms() -> list[list[bytes]]:
    """AES-128: 01 valid or 00, bytes of the tag, key, nonce, associated data, message, ciphertext with tag."""
    return [
        [
            bytes([test["result"] == "valid"]),
            bytes([group["tagSize"] // 8]),
            *[bytes.fromhex(test[name]) for name in ("key", "iv", "aad", "msg")],
            bytes.fromhex(test["ct"] + test["tag"]),
        ]
        for group, test in wycheproof.vectors(wycheproof.CCM)
        if group["keySize"] == 128
    ]


def _session(rng: random.Random) -> list[bytes]:
    """Key, epoch, Nb, Nt, hello, a plaintext, and it sealed as the first message down and as the first one up."""
    k_link, epoch, nb, nt = rng.randbytes(16), rng.getrandbits(22), rng.randbytes(8), rng.randbytes(8)
    hello = second.hello(k_link, epoch, nb)
    down, up = second.session_keys(k_link, hello, b"\2\1" + nt)
    plain = rng.randbytes(rng.randrange(1, 70))
    both = [second.sealed(down, 0, 0, plain), second.sealed(up, 1, 0, plain)]
    return [k_link, epoch.to_bytes(4), nb, nt, hello, plain, *both]


def _answered(rng: random.Random) -> list[bytes]:
    key, message = rng.randbytes(16), rng.randbytes(rng.randrange(70))
    mac = second.cmac(key, message)
    keyed = hmac.digest(key, message, "sha256")
    return [key, message, mac, keyed, second.hkdf(message, key, key + message, 45), second.aes128(key, key)]


def _sealed(rng: random.Random) -> list[bytes]:
    master, t, status, tx = rng.randbytes(16), rng.getrandbits(32), rng.randrange(256), rng.randrange(-128, 128)
    company = rng.randrange(65536)
    advert = second.advert(master, t, status, tx, company)
    return [master, t.to_bytes(4), bytes([status]), bytes([tx & 0xFF]), company.to_bytes(2, "little"), advert]
