"""Entering cases on their page, and what the audit log has of it."""

from typing import Any

from rig.office import Office
from rig.pages import Somebody

from zonetag_backend.store import audit_log
from zonetag_backend.store.engine import reading

DAY = "2026-11-20"
REASON = "xét nghiệm dương tính"


def entries(office: Office, *actions: str) -> list[tuple[str, str, str]]:
    with reading(office.engine) as connection:
        found = list(audit_log.entries(connection))
    return [(each.actor, each.about, each.reason) for each in found if each.action in actions]


def enter(get: Somebody, ill: int, **fields: str) -> Any:
    """Enter a case; the answer."""
    given = {"person": str(ill), "day": DAY, "basis": "onset", "profile": "covid-19", "reason": REASON}
    return get.post("/cases?lang=en", **{**given, **fields})


def entered(get: Somebody, person: int) -> str:
    """Enter a case; the path of its page."""
    answer = enter(get, person)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])
