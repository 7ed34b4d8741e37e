"""Files that pages load: ours, and htmx from the installed package that carries it.  Nothing comes from the network."""

import hashlib
import mimetypes
from functools import cache
from importlib.resources import files

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

# Name under /static/ -> package and path in it: every file of our folder, and what installed packages carry.
FILES = {
    file.name: ("zonetag_backend.web", f"static/{file.name}")
    for file in files("zonetag_backend.web").joinpath("static").iterdir()
} | {
    "htmx.js": ("js_lib_htmx", "static/htmx/htmx.min.js"),  # package django-js-lib-htmx; needs no Django
}

FOREVER = "public, max-age=31536000, immutable"  # the address changes with the content


@cache
def _content(name: str) -> bytes:
    package, path = FILES[name]
    return files(package).joinpath(path).read_bytes()


@cache
def address(name: str) -> str:
    """Where a page finds a file, with a mark of its content so that a browser may keep it for good."""
    return f"/static/{name}?v={hashlib.sha256(_content(name)).hexdigest()[:12]}"


def serve(request: Request) -> Response:
    """Answer with one of FILES."""
    name = request.path_params["name"]
    if name not in FILES:
        raise HTTPException(404)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(_content(name), media_type=kind, headers={"Cache-Control": FOREVER})
