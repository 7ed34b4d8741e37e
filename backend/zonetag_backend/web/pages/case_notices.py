"""`/cases/<id>/notices`: what F1 are told, in both languages, by which ways, and what became of it."""

from collections.abc import Sequence
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
from zonetag_backend.store.engine import Transaction, reading, writing
from zonetag_backend.store.tracing import names
from zonetag_backend.tracing.outcome import Who
from zonetag_backend.web import caseview
from zonetag_backend.web.caseview import Seat
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field
from zonetag_backend.web.numbers import id_of
from zonetag_backend.web.pages.case import shown
from zonetag_backend.web.render import show
from zonetag_backend.web.times import iso
from zonetag_backend.web.visitor import visitor_of

MOST_ANSWER = 200  # characters kept of what somebody said
SPOKEN = "spoken"  # in the audit log: auditwords.py has the words


def notices(request: Request) -> Response:
    """The state of each notice and what they say; or, sent as a form, send to who was not told (field `language`), or
    note that somebody was told by telephone and what they answered (fields `spoken`, `answer`).
    """
    desk = desk_of(request)
    with reading(desk.engine) as connection:
        seat = caseview.seat(request, connection)
    caseview.require_reason(request)
    settings, floor_ms = desk.cases.settings.notices, desk.cases.settings.floor_ms(seat.now_ms)
    try:
        ways = sorted(senders(settings)) if settings is not None else []
        broken = ""
    except ConfigError as error:  # the settings are the administrator's: shown as they are, to be passed on
        ways, broken = [], str(error)
    office = settings.office if settings is not None else "Zonetag"
    language = settings.language if settings is not None else "vi"
    if request.method == "POST" and field(request, "spoken"):
        with writing(desk.engine) as connection:
            _spoken(request, connection, seat, language=language, office=office)
        return RedirectResponse(f"/cases/{seat.case.id}/notices#p{id_of(field(request, 'spoken'))}", 303)
    if request.method == "POST":
        language = field(request, "language")
        if language not in LANGUAGES or not ways or seat.case.closed_ms is not None or settings is None:
            raise Fault("bad-form", 400)
        with writing(desk.engine) as connection:
            new = outbox.compose(
                connection,
                seat.case.id,
                ways,
                language=language,
                office=settings.office,
                now_ms=seat.now_ms,
                floor_ms=floor_ms,
            )
            actor = visitor_of(request).actor
            audit.record(connection, seat.now_ms, actor, "case.change", seat.case.id, f"notices: {new}")
        desk.cases.send(seat.case.id)
        return RedirectResponse(f"/cases/{seat.case.id}/notices", 303)
    with reading(desk.engine) as connection:
        exposed = store.exposures_of(connection, seat.case.id, floor_ms=floor_ms)
        made = store.notices_of(connection, seat.case.id, floor_ms)
        people = names(connection, {*exposed, *(each.person for each in made)})
    by = {(each.person, each.channel): each for each in made}
    exposed = dict(sorted(exposed.items(), key=lambda each: -any_of((d.day_ms, d.probability) for d in each[1])))
    listed = [Who(id, *people.get(id, ("", "", ""))) for id in [*exposed, *{e.person for e in made} - exposed.keys()]]
    first = next((who for who in listed if who.name and who.id in exposed), None)
    told = {}
    if first is not None:
        told = {code: _text(first.name, exposed[first.id], seat, code, office) for code in LANGUAGES}
    lines: list[dict[str, Any]] = [
        {
            "who": who,
            "text": _text(who.name, exposed[who.id], seat, language, office)
            if who.name and who.id in exposed
            else None,
            "notices": [
                {"channel": channel, **_state(by.get((who.id, channel)), phoned=(who.id, PHONE) in by)}
                for channel in sorted({*ways, *(c for p, c in by if p == who.id)})
            ],
        }
        for who in listed
    ]
    reached = [who for who in listed if who.name and who.id in exposed and (who.id, PHONE) not in by]
    untold = [who for who in reached if any((who.id, way) not in by for way in ways)]
    return show(
        request,
        "case-notices",
        lambda: {
            **caseview.case_twin(seat),
            "ways": ways,
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
        },
        **shown(seat),
        tab="notices",
        ways=ways,
        way_names=caseview.WAYS,
        broken=broken,
        told=told,
        language_of_office=language,
        phone=PHONE,
        most_answer=MOST_ANSWER,
        lines=lines,
        untold=untold,
        sending=desk.cases.sending(seat.case.id),
    )


def _text(name: str, days: Sequence[Told], seat: Seat, language: str, office: str) -> Notice:
    reasons = [Reason(day.day_ms, day.evidence, day.minutes, day.probability) for day in days]
    return notice(name, reasons, profile=seat.case.profile, language=language, zone=seat.zone, office=office)


def _spoken(request: Request, connection: Transaction, seat: Seat, *, language: str, office: str) -> None:
    """Whom an officer has just told by telephone: kept beside the text that was read to them."""
    who, answer = id_of(field(request, "spoken")), field(request, "answer")
    floor_ms = desk_of(request).cases.settings.floor_ms(seat.now_ms)
    if seat.case.closed_ms is not None or who not in store.exposures_of(connection, seat.case.id, floor_ms=floor_ms):
        raise Fault("bad-form", 400)
    if len(answer) > MOST_ANSWER or not answer.isprintable():
        raise Fault("bad-form", 400)
    new = outbox.compose(
        connection,
        seat.case.id,
        [PHONE],
        language=language,
        office=office,
        now_ms=seat.now_ms,
        floor_ms=floor_ms,
        only=who,
    )
    withdrawn = store.spoken(connection, seat.case.id, who, answer, seat.now_ms)
    if new or answer:
        said = f"{SPOKEN}, withdrawn: {withdrawn}" if withdrawn else SPOKEN
        audit.record(connection, seat.now_ms, visitor_of(request).actor, "case.change", seat.case.id, said)


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
