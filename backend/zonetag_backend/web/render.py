"""From what a page found to the answer: HTML whole, the changed fragment alone, or the JSON twin."""

import hashlib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from zonetag_backend.names import printable
from zonetag_backend.roles import ADMIN, AUDITOR
from zonetag_backend.web import commands, languages, reasons, static, times, words
from zonetag_backend.web.kept import kept_of
from zonetag_backend.web.languages import COOKIE, COOKIE_AGE_S, LANGUAGES
from zonetag_backend.web.visitor import Visitor, visitor_of

JSON_READERS = frozenset({ADMIN, AUDITOR})  # a link to the twin is shown to them; at a desk it would be noise

# What an answer depends on beside its address.
VARY = "Accept, Accept-Language, Cookie, HX-Request"


def wants_json(request: Request) -> bool:
    """Whether the JSON twin is asked for: by `.json` or by an Accept header that names JSON and not HTML."""
    if getattr(request.state, "twin", False):
        return True
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def show(
    request: Request, template: str, twin: Callable[[], dict[str, Any]], status: int = 200, **context: Any
) -> Response:
    """Answer with a template's page or with its twin.

    A template may have a part `<name>.live.html`, which htmx asks for alone when something changed; it is answered
    with 204 and nothing when the browser already has exactly that.
    """
    language = languages.language_of(request)
    if wants_json(request):
        told = twin()
        response: Response = JSONResponse(told, status)
        if told.get("next"):  # of a list that goes on (portion.py)
            response.headers["Link"] = f'<{told["next"]}>; rel="next"'
    else:
        response = _html(request, language, template, status, context)
    response.headers["Vary"] = VARY
    if request.query_params.get("lang") in LANGUAGES:
        response.set_cookie(COOKIE, language, COOKIE_AGE_S, httponly=True, samesite="lax")
    return response


def _html(request: Request, language: str, template: str, status: int, context: dict[str, Any]) -> Response:
    environment = environment_of(language)
    context = {
        "lang": language,
        "languages": LANGUAGES,
        "path": request.url.path,
        "visitor": visitor_of(request),
        "kept": kept_of(request, context.get("zone"), languages.locale_of(language)),
        "here": address(request),
        "twin_address": twin_address(request) if _follows(request, visitor_of(request), status) else "",
        "language_address": lambda of: address(request, lang=of),
        "address": lambda **changes: address(request, **changes),
    } | context
    live = f"{template}.live.html"
    if live in _templates():
        part = environment.get_template(live).render(context)
        mark = hashlib.sha256(part.encode()).hexdigest()[:16]
        if request.headers.get("hx-request") == "true" and request.headers.get("x-have") == mark:
            return Response(status_code=204)
        context |= {"live": Markup(part), "mark": mark}  # noqa: S704 - it was escaped when it was rendered
        if request.headers.get("hx-request") == "true" and "hx-history-restore-request" not in request.headers:
            # A search shows the same address as a link to it would have.
            headers = {"HX-Replace-Url": address(request)}
            return HTMLResponse(environment.get_template("live.html").render(context), status, headers)
    return HTMLResponse(environment.get_template(f"{template}.html").render(context), status)


def _follows(request: Request, visitor: Visitor, status: int) -> bool:
    """Whether a link to the twin is shown: to who uses it, where it can be opened."""
    return request.method == "GET" and status == 200 and (visitor.demo or not visitor.roles.isdisjoint(JSON_READERS))


def address(request: Request, **changes: str | int | None) -> str:
    """This page's address with some parameters changed; none or nothing takes one away, and `lang` never stays."""
    asked = request.query_params
    parameters = {key: asked.getlist(key) for key in asked if key != "lang"}
    wanted = parameters | {key: ["" if value is None else str(value)] for key, value in changes.items()}
    query = urlencode({key: list(filter(None, values)) for key, values in wanted.items()}, doseq=True)
    path = request.url.path.removesuffix(".json")
    return f"{path}?{query}" if query else path


def twin_address(request: Request, **changes: str | int | None) -> str:
    """The address of this page's JSON twin with some parameters changed, as `address` changes them."""
    path, _, query = address(request, **changes).partition("?")
    return f"{'/index' if path == '/' else path}.json" + (f"?{query}" if query else "")


@cache
def environment_of(language: str) -> Environment:
    """The templates in a language."""
    environment = Environment(
        loader=PackageLoader("zonetag_backend.web"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    locale = languages.locale_of(language)
    texts = languages.translations(language)
    environment.install_gettext_translations(texts, newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    environment.filters["safe_text"] = printable
    environment.globals.update(
        asset=static.address,
        commands=commands,
        reasons=reasons,
        words=words,
        date_of=lambda at_ms, zone: times.local(at_ms, zone).date(),
        clock_time=lambda at_ms, zone, day: times.clock_time(at_ms, zone, day, locale),
        iso=times.iso,
        long_date=lambda day: times.long_date(day, locale),
        duration=lambda of_ms: times.duration(of_ms, locale),
        ago=lambda at_ms, now_ms: times.ago(at_ms, now_ms, locale),
        number=lambda value: _number(value, language),
    )
    return environment


@cache
def _templates() -> frozenset[str]:
    return frozenset(each.name for each in files(__package__).joinpath("templates").iterdir())


def _number(value: float, language: str) -> str:
    """A whole number with its thousands apart: 12.345 in Vietnamese, 12,345 in English."""
    grouped = f"{round(value):,}"
    return grouped.replace(",", ".") if language == "vi" else grouped
