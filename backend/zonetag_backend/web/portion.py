"""How much of a list one answer holds: a page some hundred rows, its JSON twin up to a thousand.

So an answer about 20,000 people costs no more memory than one about a thousand.  `?page=` asks for further rows; a
twin says how many there are (`found`) and where the next ones are (`next`, and the header Link).
"""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from zonetag_backend.web.numbers import page_of
from zonetag_backend.web.render import twin_address, wants_json

TWIN_ROWS = 1000  # and fewer by `?limit=`


@dataclass(frozen=True, slots=True)
class Portion:
    """Some rows of a list."""

    page: int
    # from 1
    pages: int
    part: slice
    # of the rows
    found: int
    # rows in all

    def twin(self, request: Request) -> dict[str, Any]:
        """What a twin says of it."""
        more = self.page < self.pages
        return {"found": self.found, "next": twin_address(request, page=self.page + 1) if more else None}


def portion_of(request: Request, rows: int, shown: int) -> Portion:
    """The part of `rows` that `?page=` asks for, `shown` of them on a page; of the twin `?limit=`."""
    asked = request.query_params
    each = _limit(asked.get("limit", "")) if wants_json(request) else shown
    page, pages, part = page_of(asked.get("page", ""), rows, each)
    return Portion(page, pages, part, rows)


def _limit(text: str) -> int:
    known = text.isascii() and text.isdecimal() and len(text) < len(str(10**9)) and int(text)
    return min(known, TWIN_ROWS) if known else TWIN_ROWS
