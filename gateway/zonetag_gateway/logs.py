"""Log lines on standard error; when that is the journal, each begins with its priority (sd-daemon(3))."""

import logging
import os
from collections.abc import Mapping

FORMAT = "%(levelname)s %(name)s: %(message)s"  # one line an event; journald adds the time
_JOURNAL_FORMAT = "%(name)s: %(message)s"  # and keeps the level apart
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))  # of syslog(3)
_DEBUG = 7


class JournalFormatter(logging.Formatter):
    """`<4>name: message`; every line of a traceback has its own prefix, or it would count as another event's."""

    def __init__(self) -> None:
        super().__init__(_JOURNAL_FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        """The record with the prefix of its level."""
        prefix = f"<{priority(record.levelno)}>"
        return "\n".join(prefix + line for line in super().format(record).splitlines())


def priority(level: int) -> int:
    """The syslog priority of a level of `logging`."""
    return next((number for least, number in _PRIORITIES if level >= least), _DEBUG)


def is_journal(environ: Mapping[str, str], descriptor: int) -> bool:
    """Whether `descriptor` leads to the journal: $JOURNAL_STREAM names its device and inode (systemd.exec(5)).

    $INVOCATION_ID alone is no sign: whatever a service starts inherits it, a terminal's shell too.
    """
    try:
        told = os.fstat(descriptor)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM", "") == f"{told.st_dev}:{told.st_ino}"


def begin(level: str) -> None:
    """Log to standard error from `level` ("info") on, in the form that fits where it leads."""
    handler = logging.StreamHandler()
    handler.setFormatter(JournalFormatter() if is_journal(os.environ, 2) else logging.Formatter(FORMAT))
    logging.basicConfig(handlers=[handler], level=level.upper())
