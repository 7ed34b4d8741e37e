"""`/questions`: what the health declaration asks, and at which sites it is switched on."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.errors import BadValue, NotFound
from zonetag_backend.store import book
from zonetag_backend.store import declarations as store
from zonetag_backend.store.declarations import MOST_QUESTIONS, Question
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.render import show
from zonetag_backend.web.visitor import visitor_of

BAD_QUESTIONS = _("Each question is written in both languages, in at most 300 characters.")
ASK, SWITCH = "ask", "switch"  # what `act` may say


def questions(request: Request) -> Response:
    """Fields `act` = ask: `vi0`, `en0`, ... (empty pairs are left out); switch: `site`, `on` = yes or nothing."""
    desk, now_ms, actor = desk_of(request), desk_of(request).clock(), visitor_of(request).actor
    error = ""
    if request.method == "POST":
        act = field(request, "act")
        try:
            with writing(desk.engine) as connection:
                if act == SWITCH:
                    store.switch(connection, field(request, "site"), field(request, "on") == "yes", now_ms, actor)
                elif act == ASK:
                    store.set_questions(connection, _typed(request), now_ms, actor)
                else:
                    raise Fault("bad-form", 400)
            return RedirectResponse("/questions", 303)
        except NotFound:
            raise Fault("no-site", 404, field(request, "site")) from None
        except BadValue:
            error = BAD_QUESTIONS
    with reading(desk.engine) as connection:
        asked = store.questions(connection)
        sites = [(site, store.link_of(connection, site.name)) for site in book.sites(connection)]
    base = f"{request.url.scheme}://{request.headers['host']}/declare/"
    return show(
        request,
        "questions",
        lambda: {
            "questions": [{"vi": each.vi, "en": each.en} for each in asked],
            "sites": [{"name": site.name, "link": base + token if token else None} for site, token in sites],
        },
        400 if error else 200,
        asked=_typed(request) if error else asked,
        most=MOST_QUESTIONS,
        sites=sites,
        base=base,
        error=error,
    )


def _typed(request: Request) -> list[Question]:
    pairs = [(field(request, f"vi{n}"), field(request, f"en{n}")) for n in range(MOST_QUESTIONS)]
    return [Question(" ".join(vi.split()), " ".join(en.split())) for vi, en in pairs if vi.strip() or en.strip()]
