"""The tag's file system as an image: the only file that speaks littlefs.

Block 4096 bytes, littlefs on-disk version 2.0, as MicroPython's VfsLfs2 makes it on an ESP32.
"""

from littlefs import LittleFS
from littlefs.errors import LittleFSError

from zonetag_flash.errors import FlashError

BLOCK = 4096
_VERSION = 0x00020000


def image_of(files: dict[str, bytes], size: int) -> bytes:
    """A file system of `size` bytes that holds `files` (path -> content); FlashError if they do not fit."""
    fs = LittleFS(block_size=BLOCK, block_count=size // BLOCK, disk_version=_VERSION)
    try:
        for path, content in files.items():
            folder = path.rpartition("/")[0]
            if folder:
                fs.makedirs(folder, exist_ok=True)
            with fs.open(path, "wb") as file:
                file.write(content)
    except (LittleFSError, OSError) as error:
        total = sum(len(content) for content in files.values())
        raise FlashError(
            "too-large",
            f"The firmware's {total} bytes do not fit into a file system of {size}.",
            "Use an image with a larger vfs partition.",
        ) from error
    return bytes(fs.context.buffer)


def files_of(image: bytes) -> dict[str, bytes]:
    """What an image holds: path -> content."""
    fs = LittleFS(block_size=BLOCK, block_count=len(image) // BLOCK, disk_version=_VERSION, mount=False)
    fs.context.buffer[:] = image
    fs.mount()
    files = {}
    for folder, _, names in fs.walk("/"):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            with fs.open(path, "rb") as file:
                files[path.lstrip("/")] = file.read()
    return files
