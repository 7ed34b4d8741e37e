"""`/declare/<token>`: somebody declares their health; `/declarations/<site>`: health officers read it."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from zonetag_backend.errors import BadValue
from zonetag_backend.store import book
from zonetag_backend.store import declarations as store
from zonetag_backend.store.declarations import Declared
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field
from zonetag_backend.web.languages import language_of
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.render import show
from zonetag_backend.web.times import day_asked, iso, local

YES, NO = "yes", "no"
NO_TAG = _(
    "Nobody wears a tag of this number now. The number is printed on the tag; ask at the desk if it cannot be read."
)
NO_ANSWER = _("Every question wants an answer.")


def declare(request: Request) -> Response:
    """The questions (fields `tag`, `answer0`, `answer1`, ... of yes or no).  It never says who wears a tag."""
    desk, now_ms = desk_of(request), desk_of(request).clock()
    with reading(desk.engine) as connection:
        name = store.site_of(connection, request.path_params["token"])
        site = None if name is None else book.site_named(connection, name)
        asked = store.questions(connection)
    if site is None:
        raise Fault("link-over", 404)
    error, done = "", False
    if request.method == "POST":
        given = {n: field(request, f"answer{n}") for n in range(len(asked))}
        answers = {n: answer == YES for n, answer in given.items() if answer in (YES, NO)}
        day = local(now_ms, site.zone).date().isoformat()
        try:
            with writing(desk.engine) as connection:
                who = store.wearer(connection, field(request, "tag")[:16], now_ms)
                if who is None:
                    error = NO_TAG
                else:
                    store.declare(connection, desk.keys, who, site.name, day, answers, now_ms)
                    done = True
        except BadValue:
            error = NO_ANSWER
    language = language_of(request)
    texts = [getattr(each, language) for each in asked]
    return show(
        request,
        "declare",
        lambda: {"site": site.title, "questions": texts, "done": done},
        400 if error else 200,
        site=site,
        questions=texts,
        error=error,
        done=done,
        typed=dict(request.state.form) if error else {},
        days=desk.cases.settings.retention_days,
    )


def declarations(request: Request) -> Response:
    """What was declared on `?day=`; yes before no."""
    desk, now_ms = desk_of(request), desk_of(request).clock()
    with reading(desk.engine) as connection:
        site = book.site_named(connection, request.path_params["site"])
        if site is None:
            raise Fault("no-site", 404, request.path_params["site"])
        day = day_asked(request.query_params.get("day", ""), site.zone, now_ms)
        floor_ms = desk.cases.settings.floor_ms(now_ms)
        found = store.read(connection, desk.keys, site.name, day.date.isoformat(), floor_ms)
        token = store.link_of(connection, site.name)
    found.sort(key=lambda each: -each.worries)
    zone = site.zone
    return show(
        request,
        "declarations",
        lambda: {"day": day.date.isoformat(), "declarations": [_twin(each, zone) for each in found]},
        site=site,
        day=day,
        zone=zone,
        found=found,
        on=bool(token),
        days=desk.cases.settings.retention_days,
    )


def _twin(each: Declared, zone: Any) -> dict[str, Any]:
    return {
        "person": str(each.person),
        "name": each.name,
        "unit": each.unit,
        "at": iso(each.at_ms, zone),
        "answers": [{"vi": asked.vi, "en": asked.en, "yes": yes} for asked, yes in each.answers],
    }
