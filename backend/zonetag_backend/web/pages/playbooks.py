"""`/playbooks`: what to do when an alert comes; each alert is a section that the gateways' pages link to."""

from starlette.requests import Request
from starlette.responses import Response

from zonetag_backend.web import languages
from zonetag_backend.web.alarms import TITLES
from zonetag_backend.web.playbooks import playbook
from zonetag_backend.web.render import show


def playbooks(request: Request) -> Response:
    """All of them, in the page's language."""
    sections = playbook(languages.language_of(request))
    return show(
        request, "playbooks", lambda: {"alerts": [each.name for each in sections]}, sections=sections, titles=TITLES
    )
