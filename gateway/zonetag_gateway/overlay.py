"""Settings from afar: a few of gateway.toml's, kept in a file beside the spool, over the file's own.

New ones are on trial: taken at the next start, kept once the gateway has heard and delivered with them, else undone.  A
trial that has begun and is found again at a start was cut short (a crash, a pulled plug): it is undone too.

| state of the file | propose | start  | proved | time is over |
|-------------------|---------|--------|--------|--------------|
| kept              | waiting | kept   |        |              |
| waiting           | waiting | begun  |        |              |
| begun             | waiting | kept   | kept*  | kept         |

(kept*: the trial's settings; kept: those before it.)
"""

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

# What may be set from afar: how it listens and tells, nothing that leads elsewhere, costs data or touches the machine.
ALLOWED = (
    "source.scanning",
    "windows.length_s",
    "windows.silence_s",
    "windows.change_db",
    "report.every_s",
    "report.max_windows",
    "health.every_s",
)
MAX_BYTES = 65_536  # a file of ours has some hundred

Settings = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Overlay:
    """What the file holds."""

    kept: Settings = field(default_factory=dict)
    # by name, as "windows.length_s"
    trial: Settings | None = None
    # proposed, not yet proved
    trial_id: str = ""
    # of the command that proposed it
    begun: bool = False
    # a start has taken it

    @property
    def settings(self) -> Settings:
        """Those in force."""
        return self.trial if self.begun and self.trial is not None else self.kept

    def proposed(self, settings: Settings, identifier: str) -> "Overlay":
        return Overlay(self.kept, settings, identifier)

    def started(self) -> "Overlay":
        return self.undone() if self.begun else replace(self, begun=self.trial is not None)

    def proved(self) -> "Overlay":
        return Overlay(self.settings)

    def undone(self) -> "Overlay":
        return Overlay(self.kept)


def overrides(settings: Mapping[str, Any]) -> dict[str, dict[str, object]]:
    """As `config.load` takes them: section -> setting -> value."""
    made: dict[str, dict[str, object]] = {}
    for name, value in settings.items():
        section, _, setting = name.partition(".")
        made.setdefault(section, {})[setting] = value
    return made


class OverlayFile:
    """An overlay on disk, and what checks settings before they are proposed."""

    def __init__(self, path: Path, check: Callable[[Settings], object]) -> None:
        """`check` raises ConfigFaults for settings that will not do."""
        self._path = path
        self.check = check
        self.overlay = self._read()

    def write(self, overlay: Overlay) -> None:
        """On disk when this returns; OSError."""
        fresh = self._path.with_name(self._path.name + ".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(asdict(overlay), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        self.overlay = overlay

    def start(self) -> Settings:
        """The settings of this start."""
        after = self.overlay.started()
        if self.overlay.begun:
            log.warning("the settings on trial were cut short: back to those before them")
        if after != self.overlay:
            try:
                self.write(after)
            except OSError as error:
                # A trial that cannot be marked as begun would be tried for ever.
                log.error("%s cannot be written (%s): no settings on trial", self._path, error.strerror)
                self.overlay = self.overlay.undone()
        return self.overlay.settings

    def _read(self) -> Overlay:
        try:
            raw = json.loads(self._path.read_text(encoding="utf-8")[:MAX_BYTES])
            overlay = Overlay(**raw)
        except FileNotFoundError:
            return Overlay()
        except (OSError, ValueError, TypeError, RecursionError):
            log.error("%s cannot be understood: only gateway.toml counts", self._path)
            return Overlay()
        good = isinstance(overlay.kept, dict) and isinstance(overlay.trial, dict | None)
        return overlay if good and set(overlay.kept) | set(overlay.trial or ()) <= set(ALLOWED) else Overlay()
