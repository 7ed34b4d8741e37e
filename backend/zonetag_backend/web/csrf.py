"""Whether a request that changes something was made by one of our own pages."""

import hmac

from starlette.requests import Request

from zonetag_backend.web.desk import Fault
from zonetag_backend.web.visitor import Visitor

SAFE = ("GET", "HEAD")
HEADER = "x-csrf-token"  # for scripts; forms have the field `csrf`
FIELD = "csrf"


async def check(request: Request, visitor: Visitor, most: int) -> None:
    """Fault("forged", 403) unless the request comes from us and holds the visitor's token; a form has `most` bytes.

    Browsers say where a request comes from: `Origin`, which is "null" here because our pages send no referrer, and
    then `Sec-Fetch-Site`.  What says nothing is no browser, and the token alone decides.
    """
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    ours = f"{request.url.scheme}://{request.headers.get('host', '')}"
    foreign = origin not in (None, "null", ours) or site not in (None, "same-origin", "none")
    hidden = origin == "null" and site is None
    given = request.headers.get(HEADER, "")
    if not given and not (foreign or hidden):
        value = (await request.form(max_part_size=most)).get(FIELD, "")
        given = value if isinstance(value, str) else ""
    right = visitor.csrf != "" and hmac.compare_digest(given.encode(), visitor.csrf.encode())
    if foreign or hidden or not right:
        raise Fault("forged", 403)
