"""`/cases/<id>/notices`: what F1 are told, in both languages, by which ways, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.errors import ConfigError
from zonetag_backend.notices.schedule import MOST_TRIES
from zonetag_backend.notices.settings import senders
from zonetag_backend.reports.notice import LANGUAGES, Notice, Reason, notice
from zonetag_backend.store import audit
from zonetag_backend.store import cases as store
from zonetag_backend.store import notices as outbox
from zonetag_backend.store.case_story import any_of
from zonetag_backend.store.cases import PHONE, Told
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.tracing import names
from zonetag_backend.tracing.outcome import Who
from zonetag_backend.web import caseview
from zonetag_backend.web.caseview import Seat
from zonetag_backend.web.desk import Desk, Fault, desk_of
from zonetag_backend.web.guard import field
from zonetag_backend.web.numbers import id_of
from zonetag_backend.web.pages.case import shown
from zonetag_backend.web.render import show
from zonetag_backend.web.times import iso
from zonetag_backend.web.visitor import visitor_of

MOST_ANSWER = 200  # characters kept of what somebody said
SPOKEN = "spoken"  # in the audit log: auditwords.py has the words


@dataclass(frozen=True, slots=True)
class _Way:
    """How people are told here."""

    channels: list[str]
    # set, and in order; empty: by telephone alone
    broken: str
    # what is wrong with the settings of one: the administrator's own, shown as they are, to be passed on
    office: str
    # that signs
    language: str
    # in which an officer speaks


def notices(request: Request) -> Response:
    """The state of each notice and what they say; or, sent as a form, send to who was not told (field `language`), or
    note that somebody was told by telephone and what they answered (fields `spoken`, `answer`).
    """
    with reading(desk_of(request).engine) as connection:
        seat = caseview.seat(request, connection)
    caseview.require_reason(request)
    way, here = _way(desk_of(request)), f"/cases/{seat.case.id}/notices"
    if request.method != "POST":
        return _show(request, seat, way)
    if field(request, "spoken"):
        return RedirectResponse(f"{here}#p{_speak(request, seat, way)}", 303)
    _send(request, seat, way)
    return RedirectResponse(here, 303)


def _way(desk: Desk) -> _Way:
    settings = desk.cases.settings.notices
    if settings is None:
        return _Way([], "", "Zonetag", "vi")
    try:
        return _Way(sorted(senders(settings)), "", settings.office, settings.language)
    except ConfigError as error:
        return _Way([], str(error), settings.office, settings.language)


def _send(request: Request, seat: Seat, way: _Way) -> None:
    desk, language = desk_of(request), field(request, "language")
    if language not in LANGUAGES or not way.channels or seat.case.closed_ms is not None:
        raise Fault("bad-form", 400)
    with writing(desk.engine) as connection:
        new = outbox.compose(
            connection,
            seat.case.id,
            way.channels,
            language=language,
            office=way.office,
            now_ms=seat.now_ms,
            floor_ms=desk.cases.settings.floor_ms(seat.now_ms),
        )
        actor = visitor_of(request).actor
        audit.record(connection, seat.now_ms, actor, "case.change", seat.case.id, f"notices: {new}")
    desk.cases.send(seat.case.id)


def _speak(request: Request, seat: Seat, way: _Way) -> int:
    """Whom an officer has just told by telephone: kept beside the text that was read to them."""
    desk, who, answer = desk_of(request), id_of(field(request, "spoken")), field(request, "answer")
    floor_ms = desk.cases.settings.floor_ms(seat.now_ms)
    if seat.case.closed_ms is not None or len(answer) > MOST_ANSWER or not answer.isprintable():
        raise Fault("bad-form", 400)
    with writing(desk.engine) as connection:
        if who not in store.exposures_of(connection, seat.case.id, floor_ms=floor_ms):
            raise Fault("bad-form", 400)
        new = outbox.compose(
            connection,
            seat.case.id,
            [PHONE],
            language=way.language,
            office=way.office,
            now_ms=seat.now_ms,
            floor_ms=floor_ms,
            only=who,
        )
        withdrawn = store.spoken(connection, seat.case.id, who, answer, seat.now_ms)
        if new or answer:
            said = f"{SPOKEN}, withdrawn: {withdrawn}" if withdrawn else SPOKEN
            audit.record(connection, seat.now_ms, visitor_of(request).actor, "case.change", seat.case.id, said)
    return who


def _show(request: Request, seat: Seat, way: _Way) -> Response:
    desk = desk_of(request)
    floor_ms = desk.cases.settings.floor_ms(seat.now_ms)
    with reading(desk.engine) as connection:
        exposed = store.exposures_of(connection, seat.case.id, floor_ms=floor_ms)
        made = store.notices_of(connection, seat.case.id, floor_ms)
        people = names(connection, {*exposed, *(each.person for each in made)})
    by = {(each.person, each.channel): each for each in made}
    exposed = dict(sorted(exposed.items(), key=lambda each: -any_of((d.day_ms, d.probability) for d in each[1])))
    listed = [Who(id, *people.get(id, ("", "", ""))) for id in [*exposed, *{e.person for e in made} - exposed.keys()]]
    reachable = [who for who in listed if who.name and who.id in exposed]
    told = {code: _text(who, exposed[who.id], seat, code, way.office) for who in reachable[:1] for code in LANGUAGES}
    texts = {who.id: _text(who, exposed[who.id], seat, way.language, way.office) for who in reachable}
    lines: list[dict[str, Any]] = [
        {
            "who": who,
            "text": texts.get(who.id),
            "notices": [
                {"channel": channel, **_state(by.get((who.id, channel)), phoned=(who.id, PHONE) in by)}
                for channel in sorted({*way.channels, *(c for p, c in by if p == who.id)})
            ],
        }
        for who in listed
    ]
    unphoned = [who for who in reachable if (who.id, PHONE) not in by]
    return show(
        request,
        "case-notices",
        lambda: _twin(seat, way, told, lines),
        **shown(seat),
        tab="notices",
        ways=way.channels,
        way_names=caseview.WAYS,
        broken=way.broken,
        told=told,
        language_of_office=way.language,
        phone=PHONE,
        most_answer=MOST_ANSWER,
        lines=lines,
        untold=[who for who in unphoned if any((who.id, channel) not in by for channel in way.channels)],
        sending=desk.cases.sending(seat.case.id),
    )


def _twin(seat: Seat, way: _Way, told: dict[str, Notice], lines: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        **caseview.case_twin(seat),
        "ways": way.channels,
        "preview": {language: {"subject": of.subject, "text": of.text} for language, of in told.items()},
        "notices": [
            {
                **caseview.who_twin(line["who"]),
                "channel": each["channel"],
                "state": each["state"],
                "sent": iso(each["sent_ms"], seat.zone),
                "tries": each["tries"],
                "answer": each["answer"],
            }
            for line in lines
            for each in line["notices"]
        ],
    }


def _text(who: Who, days: Sequence[Told], seat: Seat, language: str, office: str) -> Notice:
    reasons = [Reason(day.day_ms, day.evidence, day.minutes, day.probability) for day in days]
    return notice(who.name, reasons, profile=seat.case.profile, language=language, zone=seat.zone, office=office)


def _state(row: Any, *, phoned: bool) -> dict[str, Any]:
    """none: nobody wrote to them; waits; tried: not taken yet; failed: given up; sent; withdrawn: told by telephone."""
    if row is None:
        return {"state": "none", "sent_ms": None, "tries": 0, "answer": ""}
    state = "waits" if not row.tries else "failed" if row.tries >= MOST_TRIES else "tried"
    if row.sent_ms is not None:
        state = "sent"
    elif phoned:
        state = "withdrawn"
    return {"state": state, "sent_ms": row.sent_ms, "tries": row.tries, "answer": row.answer}
