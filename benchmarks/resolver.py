"""Identifiers a second, lookups a second and memory a tag of the resolver, beside OpenSSL's own AES on one core."""

import itertools
import re
import secrets
import shutil
import subprocess

import numpy as np
from measure import rate, show

from zonetag_backend.resolver import BUCKET_MS, Resolver
from zonetag_protocol.bulk import EPOCHS, eids_of_block, plaintexts_of_block
from zonetag_protocol.crypto import Aes

BUCKET = 1_790_000_000_000 // BUCKET_MS
LOOKUPS = 100_000
BLOCK = 20_000  # of 64 epochs
KEYS = [secrets.token_bytes(16) for _ in range(5_000)]
PLAINTEXTS = plaintexts_of_block(BLOCK)
_REPORT = 1_000  # identifiers looked up at once, as of one report


def openssl_blocks() -> float | None:
    """AES-128 blocks a second of `openssl speed` in ECB mode over 1024 bytes at once; none where it is missing."""
    if shutil.which("openssl") is None:
        return None
    command = ["openssl", "speed", "-elapsed", "-seconds", "2", "-bytes", "1024", "-evp", "aes-128-ecb"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"AES-128-ECB\s+([\d.]+)k", said, re.IGNORECASE)
    return float(found[1]) * 1000 / 16 if found else None


def of_temporary_keys() -> int:
    """The temporary keys are at hand."""
    for key in KEYS:
        Aes(key).encrypt(PLAINTEXTS)
    return len(KEYS) * EPOCHS


def of_tags() -> int:
    """From each tag's own key, as the resolver needs them: two ciphers a tag."""
    for key in KEYS:
        eids_of_block(key, BLOCK)
    return len(KEYS) * EPOCHS


def resolver_of(tags: int) -> Resolver:
    resolver = Resolver(tables=1)
    # Clocks of all phases, as tags that were flashed at different times have.
    resolver.add([(secrets.token_bytes(16), secrets.randbelow(BUCKET_MS), 0) for _ in range(tags)])
    return resolver


def main() -> None:
    limit = openssl_blocks()
    if limit:
        show("openssl speed aes-128-ecb", limit, "blocks/s")
    show("64 identifiers of a temporary key in one call", rate(of_temporary_keys), "ids/s", "openssl", limit)
    show("64 identifiers of a tag, with its temporary key", rate(of_tags), "ids/s", "openssl", limit)
    for tags in (1_000, 100_000, 1_000_000):
        show_resolver(tags, limit)


def show_resolver(tags: int, limit: float | None) -> None:
    resolver = resolver_of(tags)
    buckets = itertools.count(BUCKET)

    def make_table() -> int:
        resolver.resolve(bytes(8), [next(buckets) * BUCKET_MS])
        return tags * EPOCHS  # what the cipher makes; the table keeps those of the drift window

    made = rate(make_table, 5 if tags < 1_000_000 else 1)
    eids = secrets.token_bytes(8 * _REPORT)
    times = np.full(_REPORT, next(buckets) * BUCKET_MS, np.int64)

    def look_up() -> int:
        for _ in range(LOOKUPS // _REPORT):
            resolver.resolve(eids, times)
        return LOOKUPS

    show(f"{tags:,} tags: identifiers made for a table", made, "ids/s", "openssl", limit)
    show(f"{tags:,} tags: identifiers looked up", rate(look_up, 3), "lookups/s")
    show(f"{tags:,} tags: memory", resolver.memory() / tags, "bytes/tag")


if __name__ == "__main__":
    main()
