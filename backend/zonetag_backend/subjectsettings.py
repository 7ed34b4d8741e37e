"""Settings about the rights of those whose data is held: what they may be, and what was chosen."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass


def _nothing(who: int) -> None:
    """Nobody keeps backups."""


@dataclass(frozen=True, slots=True)
class SubjectSettings:
    """What was chosen."""

    holidays: frozenset[dt.date] = frozenset()
    # days on which the office does not work, beside weekends and fixed holidays
    consent_required: bool = True
    # whether a tag in the hands of somebody who has not agreed is warned of, and recorded
    show_officers: bool = False
    # whether a worker sees the names of those who looked, beside their roles
    audit_days: int = 730
    # how long those looks stand in the audit log (audit.retention_days)
    note_erased: Callable[[int], None] = _nothing
    # tells the backups of an erasure


def holidays_fault(value: object) -> str:
    """What is wrong with `requests.holidays`; empty if nothing."""
    wanted = 'a list of days wanted, as ["2027-02-08", "2027-02-09"]'
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return wanted
    try:
        days = [dt.date.fromisoformat(each) for each in value]
    except ValueError:
        return wanted
    return "" if all(f"{day}" == text for day, text in zip(days, value, strict=True)) else wanted


def yes_or_no(value: object) -> str:
    """What is wrong with a switch; empty if nothing."""
    return "" if isinstance(value, bool) else "true or false wanted, without quotes"


# Name -> (default, check), as in `config.SETTINGS`.
SETTINGS: dict[str, tuple[object, Callable[[object], str]]] = {
    "requests.holidays": ([], holidays_fault),
    "consent.required": (True, yes_or_no),
    "mine.show_officers": (False, yes_or_no),
}


def from_values(values: Mapping[str, object]) -> SubjectSettings:
    """The settings, once checked."""
    days = values["requests.holidays"]
    return SubjectSettings(
        frozenset(dt.date.fromisoformat(str(each)) for each in days) if isinstance(days, list) else frozenset(),
        values["consent.required"] is True,
        values["mine.show_officers"] is True,
    )
