"""Languages of the pages: which one a request wants, and its catalogue, read from locale/<language>/ at the start."""

import io
from functools import cache
from gettext import GNUTranslations
from importlib.resources import files

from babel.core import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from starlette.requests import Request

DEFAULT = "vi"
LANGUAGES = {"vi": "Tiếng Việt", "en": "English"}  # in this order on the page
COOKIE = "lang"
COOKIE_AGE_S = 365 * 86_400  # a year: the choice of a desk's browser, and nothing about a person


def language_of(request: Request) -> str:
    """The language for a request: `?lang=`, else the cookie, else Accept-Language, else Vietnamese."""
    for chosen in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if chosen in LANGUAGES:
            return str(chosen)
    return _accepted(request.headers.get("accept-language", ""))


def _accepted(header: str) -> str:
    """The first of our languages in an Accept-Language header, by quality and then by place."""
    wanted: list[tuple[float, int, str]] = []
    for position, part in enumerate(header.split(",")[:20]):
        name, _, parameter = part.strip().partition(";")
        language = name.strip().lower().partition("-")[0]
        try:
            quality = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if language in LANGUAGES and quality > 0:
            wanted.append((-quality, position, language))
    return min(wanted)[2] if wanted else DEFAULT


@cache
def translations(language: str) -> GNUTranslations:
    """The catalogue of a language; English is what stands in the code, its catalogue has only what differs."""
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def catalogue(language: str) -> Catalog:
    """Every text of a language: the .po files of its folder together, one file a subject.

    ValueError when two of them translate one text: nobody would know which is shown.
    """
    together = Catalog(locale=language)
    folder = files(__package__).joinpath("locale", language)
    sources = sorted(folder.iterdir(), key=lambda file: file.name) if folder.is_dir() else []
    for source in sources:
        for message in read_po(io.BytesIO(source.read_bytes()), locale=language, abort_invalid=True):
            if message.id and message.id in together:
                raise ValueError(f"{source.name} translates again: {message.id}")
            if message.id:
                together[message.id] = message
    return together


@cache
def locale_of(language: str) -> Locale:
    """Babel's locale of a language, for dates and numbers."""
    return Locale.parse(language)


def marked(text: str) -> str:
    """The text as it is: only marks it for the catalogue, for texts that are translated when they are shown."""
    return text
