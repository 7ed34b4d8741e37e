"""What all pages of a case begin with, and the twins that several of them share."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request

from zonetag_backend.errors import NotFound
from zonetag_backend.store import cases as store
from zonetag_backend.store.case_story import Contact
from zonetag_backend.store.cases import PHONE, Case
from zonetag_backend.store.engine import Transaction
from zonetag_backend.store.tracing import names, timezone
from zonetag_backend.tracing.outcome import Who, Zone
from zonetag_backend.web import reasoned
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.numbers import id_of
from zonetag_backend.web.times import iso, local

PROFILES = {"covid-19": _("COVID-19"), "influenza": _("Influenza"), "measles": _("Measles")}
BASES = {"onset": _("day of the first symptoms"), "test": _("day of the test")}
EVIDENCE = {"direct": _("tag heard tag"), "place": _("same place")}
WAYS = {"webhook": _("by SMS or Zalo (webhook)"), "email": _("by e-mail"), PHONE: _("by telephone")}
# From which probability on which word; as in the notices.
SURE = (
    (0.8, _("almost certain")),
    (0.5, _("probable")),
    (0.2, _("possible")),
    (0.0, _("unlikely")),
)


@dataclass(frozen=True, slots=True)
class Seat:
    """A case, where and when it is looked at."""

    case: Case
    zone: ZoneInfo
    now_ms: int
    window: tuple[int, int]
    # the infectious days, as far as they are kept
    who: Who
    # the case itself, as others know them


def seat(request: Request, connection: Transaction) -> Seat:
    """The case that is asked for; Fault("no-case", 404) when there is none.  Its reason was required before."""
    desk = desk_of(request)
    now_ms, text = desk.clock(), request.path_params["case"]
    try:
        case = store.case_of(connection, id_of(text), desk.cases.settings.floor_ms(now_ms))
    except NotFound:
        raise Fault("no-case", 404, text) from None
    zone = ZoneInfo(timezone(connection))
    who = Who(case.person, *names(connection, [case.person]).get(case.person, ("", "", "")))
    return Seat(case, zone, now_ms, desk.cases.settings.window(case, now_ms), who)


def require_reason(request: Request) -> None:
    """A reason to read the contacts of the case that is asked for; that it exists was seen before."""
    reasoned.require(request, str(id_of(request.path_params["case"])))


def sure(probability: float) -> str:
    """The word for a probability, to be translated; that of the number beside it, as `percent` rounds it."""
    return next(word for least, word in SURE if round(probability, 2) >= least)


def percent(probability: float) -> str:
    """The number; never quite certain."""
    if probability > 0.99:
        return "> 99%"
    return "< 1%" if probability < 0.01 else f"{probability:.0%}"


def by_person(contacts: Iterable[Contact]) -> list[Contact]:
    """Generation by generation, the most probable people first, each with all ways to them, the best first."""
    listed, best = list(contacts), dict[int, float]()
    for each in listed:
        best[each.who.id] = max(best.get(each.who.id, 0.0), each.chain)
    return sorted(listed, key=lambda each: (each.generation, -best[each.who.id], each.who.id, -each.chain))


def who_twin(who: Who) -> dict[str, Any]:
    """A person."""
    return {"person": str(who.id), "name": who.name, "unit": who.unit, "code": who.code}


def case_twin(seat: Seat) -> dict[str, Any]:
    """What is known of a case beside its contacts."""
    case, zone = seat.case, seat.zone
    return {
        "case": str(case.id),
        **who_twin(seat.who),
        "profile": case.profile,
        "day": local(case.onset_ms, zone).date().isoformat(),
        "basis": case.basis,
        "opened": iso(case.opened_ms, zone),
        "opened_by": case.opened_by,
        "reason": case.reason,
        "closed": iso(case.closed_ms, zone),
        "traced": iso(case.traced_ms, zone),
        "since": iso(seat.window[0], zone),
        "until": iso(seat.window[1], zone),
    }


def contacts_twin(contacts: Iterable[Contact], zone: ZoneInfo) -> list[dict[str, Any]]:
    """Contacts, or possible sources."""
    return [
        {
            **who_twin(each.who),
            "generation": each.generation,
            "through": str(each.through.id),
            "probability": round(each.probability, 3),
            "chain_probability": round(each.chain, 3),
            "days": [
                {
                    "day": local(touch.day_ms, zone).date().isoformat(),
                    "evidence": touch.evidence,
                    "from": iso(touch.first_ms, zone),
                    "to": iso(touch.last_ms, zone),
                    "minutes": touch.minutes,
                    "low": touch.low,
                    "high": touch.high,
                    "probability": touch.probability,
                    "places": list(touch.places),
                }
                for touch in each.days
            ],
        }
        for each in contacts
    ]


def zones_twin(zones: Iterable[Zone], zone: ZoneInfo) -> list[dict[str, Any]]:
    """Places and hours."""
    return [
        {
            "site": each.site,
            "place": each.place,
            "from": iso(each.start_ms, zone),
            "to": iso(each.end_ms, zone),
            "people": [
                {**who_twin(other.who), "from": iso(other.start_ms, zone), "to": iso(other.end_ms, zone)}
                for other in each.others
            ],
        }
        for each in zones
    ]
