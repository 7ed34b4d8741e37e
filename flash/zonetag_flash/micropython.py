"""The MicroPython image: a file that is given, or the official build fetched by version and checked.

An official build is only taken when its SHA-256 stands in `images.json` beside this file: version -> family -> file
name and sum.  A sum is only entered when four independent public projects, or the builders themselves, state it; where
none does, the image is to be given by hand.
"""

import hashlib
import json
import urllib.error
import urllib.request
from pathlib import Path

from zonetag_flash.errors import FlashError

BASE = "https://micropython.org/resources/firmware/"
MAX_BYTES = 8 << 20
_MIN_BYTES = 1024
_SUMS = Path(__file__).with_name("images.json")


def from_file(path: Path) -> bytes:
    """An image from disk; FlashError if there is none or it cannot be one."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FlashError(
            "no-image", f"{path}: {error.strerror}.", "Name a MicroPython image (.bin) with --image."
        ) from error
    if not _MIN_BYTES <= len(data) <= MAX_BYTES:
        raise FlashError(
            "no-image", f"{path} has {len(data)} bytes.", "A MicroPython image has some 1.5 MB: is it the .bin?"
        )
    return data


def known() -> dict[str, dict[str, dict[str, str]]]:
    """version -> family -> {"file", "sha256"}."""
    sums: dict[str, dict[str, dict[str, str]]] = json.loads(_SUMS.read_text())
    return sums


def fetched(version: str | None, family: str, cache: Path) -> bytes:
    """The official image for a chip family, from cache or network; FlashError if it cannot be had or differs."""
    sums = known()
    chosen = version or max(sums, default="")
    entry = sums.get(chosen, {}).get(family)
    if entry is None:
        raise FlashError(
            "no-image",
            f"No checked MicroPython image for {family} is on record" + (f" in version {chosen}." if chosen else "."),
            "Build one (firmware/boards/README.md) or take one from micropython.org, and name it with --image FILE.",
        )
    path = cache / entry["file"]
    data = path.read_bytes() if path.exists() else _download(BASE + entry["file"])
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        path.unlink(missing_ok=True)
        raise FlashError(
            "bad-image", f"{entry['file']} is not the file on record.", "Try again, or name one with --image."
        )
    cache.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return data


def _download(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310  # the scheme is fixed above
            data: bytes = answer.read(MAX_BYTES + 1)
    except (urllib.error.URLError, OSError) as error:
        raise FlashError(
            "no-network", f"{url} cannot be fetched: {error}.", "Download it elsewhere and name it with --image FILE."
        ) from error
    return data
