"""Where to go on after signing in: a page of ours, whatever the address says."""

from urllib.parse import urlsplit

from zonetag_backend.web.rights import RIGHTS

LONGEST = 500  # characters


def safe_next(text: str) -> str:
    """The path if it is one of ours, else the front page: a link must not lead elsewhere by way of our login."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/"
    plain = text.isascii() and text.isprintable() and "\\" not in text and len(text) <= LONGEST
    ours = not parts.scheme and not parts.netloc and text.startswith("/") and not text.startswith("//")
    top = parts.path.split("/")[1] if ours else ""
    known = {path.split("/")[1] for path in RIGHTS}
    return text if plain and ours and top in known and top not in ("static", "login", "start", "live") else "/"
