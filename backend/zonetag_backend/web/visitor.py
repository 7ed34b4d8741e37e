"""Who a request is from, and the cookie that says so."""

import hmac
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from zonetag_backend.store.screens import Screen
from zonetag_backend.web.rights import NOBODY_YET, allowed


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever asks."""

    name: str
    # of the account; empty when nobody is signed in
    roles: frozenset[str]
    # what the rights table is asked with
    account: int | None = None
    stage: str = ""
    token: str = ""
    # of the cookie
    demo: bool = False
    screen: Screen | None = None
    # a device at a door, and nobody

    person: int | None = None
    # who looks at what is held about them, and at nothing else

    @property
    def actor(self) -> str:
        """As the audit log names them."""
        if self.screen is not None:
            return f"screen:{self.screen.title}"
        if self.person is not None:
            return f"person:{self.person}"
        return "demo" if self.demo else f"account:{self.name}"

    @property
    def csrf(self) -> str:
        """What every form of theirs holds (field `csrf`): only who holds the cookie can know it."""
        return hmac.digest(self.token.encode(), b"zonetag csrf 1", "sha256").hex()[:32] if self.token else ""

    def may(self, path: str, verb: str = "GET") -> bool:
        """Whether the rights table lets them; `path` as there, for links that are shown only to who may follow them."""
        return allowed(self.roles, path, verb)


STRANGER = Visitor("", frozenset({NOBODY_YET}))


def visitor_of(request: Request) -> Visitor:
    """Who the guard has found; a stranger where no guard was (a page that does not exist)."""
    visitor = getattr(request.state, "visitor", STRANGER)
    assert isinstance(visitor, Visitor)
    return visitor


def cookie_name(request: Request) -> str:
    """With TLS a browser takes it from this very host over TLS alone (`__Host-`)."""
    return "__Host-zonetag" if request.url.scheme == "https" else "zonetag"


def token_of(request: Request) -> str:
    """The token of the cookie; empty for none."""
    return request.cookies.get(cookie_name(request), "")


def set_token(request: Request, response: Response, token: str, age_s: int | None = None) -> None:
    """Give the browser a token, until it is closed, or for so long."""
    secure = request.url.scheme == "https"
    response.set_cookie(cookie_name(request), token, age_s, path="/", secure=secure, httponly=True, samesite="strict")


def drop_token(request: Request, response: Response) -> None:
    """Take it away again."""
    secure = request.url.scheme == "https"
    response.delete_cookie(cookie_name(request), path="/", secure=secure, httponly=True, samesite="strict")
