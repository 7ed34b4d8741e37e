"""Remembers which retained messages this gateway has left at the broker, so that it can take them away again.

The file stands before the messages do, and goes only after their removal: whatever is pulled out in between, nothing is
left at the broker that nobody remembers.  When nothing was ever announced there is no file, and nothing is published.
"""

import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path

log = logging.getLogger(__name__)

MAX_TOPICS = 256  # far more than there are; a damaged file must not make a gateway publish without end
_OURS = re.compile(r"[^#+\0]{1,200}/config")  # what may be emptied: nothing but a discovery message


class Announced:
    """The messages of one gateway.  For the spool's thread, as it writes a file."""

    def __init__(self, path: Path, wanted: Mapping[str, bytes]) -> None:
        """`wanted`: topic -> message; nothing when announcing is switched off."""
        self._path = path
        self._wanted = wanted
        self._settled = True
        self._connection = 0  # that had taken the messages at the last call of `settle`

    def prepare(self) -> dict[str, bytes]:
        """What to publish, retained, at each connection: what is wanted, and emptiness for what no longer is."""
        before = self._read()
        gone = before - set(self._wanted)
        self._settled = not gone
        if set(self._wanted) - before and not self._write(before | set(self._wanted)):
            return {}  # what cannot be remembered is not announced
        return {**dict.fromkeys(sorted(gone), b""), **self._wanted}

    def settle(self, connection: int) -> None:
        """Told now and then which connection has taken what `prepare` gave (0: none); one that lasts has brought it."""
        before, self._connection = self._connection, connection
        if not self._settled and connection and connection == before:
            self._settled = self._write(set(self._wanted))

    def _read(self) -> set[str]:
        try:
            found = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return set()
        except (OSError, ValueError):
            log.warning("%s cannot be read: what it names at the broker stays there", self._path)
            return set()
        if not isinstance(found, list):
            return set()
        return {topic for topic in found[:MAX_TOPICS] if isinstance(topic, str) and _OURS.fullmatch(topic)}

    def _write(self, topics: set[str]) -> bool:
        try:
            if topics:
                new = self._path.with_name(self._path.name + ".new")
                new.write_text(json.dumps(sorted(topics)))
                new.replace(self._path)
            else:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s cannot be written (%s): nothing is announced", self._path, error.strerror)
            return False
        return True
