"""What can go wrong at the flashing desk: a code for programs, plain words for people, and the cure."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager


class FlashError(Exception):
    """One failure.  `code` is stable, `what` says what happened, `cure` what to do about it."""

    def __init__(self, code: str, what: str, cure: str) -> None:
        super().__init__(f"{what} {cure}")
        self.code = code
        self.what = what
        self.cure = cure


_CURES = {
    errno.ENOSPC: "Free some space on that disk, or choose another folder with --out.",
    errno.EACCES: "Choose a folder that you may write to, with --out (for a backend's data folder: --data).",
    errno.EROFS: "Choose a folder that can be written to, with --out (for a backend's data folder: --data).",
}


@contextmanager
def files_in_plain_words() -> Iterator[None]:
    """A file or folder of this machine that fails becomes a FlashError."""
    try:
        yield
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise FlashError(
            "files",
            f"{where}{error.strerror or error}. This tag is not registered.",
            _CURES.get(error.errno or 0, "Mend that, or choose another folder with --out, and run it again."),
        ) from error
