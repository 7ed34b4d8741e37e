"""Debian's kernel, made ready for a machine without boot loader, udev and modprobe."""

import lzma
import re
import subprocess
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from rig.debian import Unobtainable


def _zstd(packed: bytes) -> bytes:
    return subprocess.run(["zstd", "-dcq"], input=packed, stdout=subprocess.PIPE, check=False).stdout


# How a kernel may be packed within its boot image: magic, unpacker.
_PACKINGS: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\xfd7zXZ\0", lambda packed: lzma.LZMADecompressor().decompress(packed)),
    (b"\x1f\x8b\x08", lambda packed: zlib.decompressobj(31).decompress(packed)),
    (b"\x28\xb5\x2f\xfd", _zstd),
)
_ELF = b"\x7fELF"


def unpacked(image: bytes) -> bytes:
    """The kernel itself (ELF) out of a boot image: unpacking takes an emulated processor six seconds, and us none."""
    for magic, unpack in _PACKINGS:
        at = image.find(magic)
        while at >= 0:
            try:
                kernel = unpack(image[at:])
            except (lzma.LZMAError, zlib.error, OSError):
                kernel = b""
            if kernel.startswith(_ELF):
                return kernel
            at = image.find(magic, at + 1)
    raise Unobtainable("the kernel package holds no kernel that can be unpacked here")


def modules(folder: Path, wanted: Sequence[str]) -> dict[str, bytes]:
    """The modules `wanted` and all that they need, as `insmod` takes them and in the order in which it must."""
    files = {_name(path): path for path in folder.glob("**/lib/modules/*/kernel/**/*.ko*")}
    builtin = {_name(Path(line)) for list_ in folder.glob("**/modules.builtin") for line in list_.read_text().split()}
    found: dict[str, bytes] = {}

    def add(name: str) -> None:
        if name in found or name in builtin:
            return
        if name not in files:
            raise Unobtainable(f"the kernel package has no module {name}")
        module = _read(files[name])
        # Section .modinfo: NUL-separated key=value.
        needs = re.search(rb"\0depends=([^\0]*)\0", module)
        for need in needs[1].decode().split(",") if needs else []:
            if need:
                add(need.replace("-", "_"))
        found[name] = module

    for name in wanted:
        add(name.replace("-", "_"))
    return found


def _name(path: Path) -> str:
    return path.name.split(".ko")[0].replace("-", "_")


def _read(path: Path) -> bytes:
    packed = path.read_bytes()
    return lzma.decompress(packed) if path.suffix == ".xz" else packed  # Debian 13 packs its modules
