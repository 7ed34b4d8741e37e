"""What to do when an alert comes: docs/*/playbooks.md, read once and made into HTML.

Only what those files use of Markdown is known: headings, paragraphs, numbered lists, `code`, *stress* and links, of
which the words alone stay: other documents are not served here.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from markupsafe import Markup, escape

LANGUAGES = ("vi", "en")
_INLINE = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|\[([^\]]+)\]\([^)]*\)")
_STEP = re.compile(r"\d+\. (.*)")


@dataclass(frozen=True, slots=True)
class Section:
    """What to do about one alert."""

    name: str
    # of the alert
    anchor: str
    # as alerts.yml and the pages link to it
    body: Markup


@cache
def playbook(language: str) -> tuple[Section, ...]:
    """Every section, in the order of the file."""
    _, *parts = re.split(r"(?m)^## ", _text(language))
    found = []
    for part in parts:
        name, _, rest = part.partition("\n")
        found.append(Section(name.strip(), name.strip().lower(), _body(rest)))
    return tuple(found)


def _text(language: str) -> str:
    """The file: beside this one where the program is installed, else in the checkout."""
    installed = files("zonetag_backend.web").joinpath(f"playbooks.{language}.md")
    if installed.is_file():
        return installed.read_text(encoding="utf-8")
    return Path(__file__).parents[3].joinpath("docs", language, "playbooks.md").read_text(encoding="utf-8")


def _body(text: str) -> Markup:
    out: list[str] = []
    for block in re.split(r"\n\s*\n", text.strip()):
        steps: list[str] = []
        for line in block.splitlines():
            step = _STEP.match(line)
            if step:
                steps.append(step[1])
            elif steps:
                steps[-1] += f" {line.strip()}"
            else:
                break
        if steps:
            out.append("<ol>" + "".join(f"<li>{_inline(step)}</li>" for step in steps) + "</ol>")
        elif block.strip():
            out.append(f"<p>{_inline(' '.join(block.split()))}</p>")
    return Markup("\n".join(out))  # noqa: S704 - put together of escaped pieces


def _inline(text: str) -> str:
    out, at = [], 0
    for found in _INLINE.finditer(text):
        code, strong, stress, link = found.groups()
        out.append(str(escape(text[at : found.start()])))
        if code:
            out.append(f"<code>{escape(code)}</code>")
        elif strong:
            out.append(f"<b>{escape(strong)}</b>")
        elif stress:
            out.append(f"<em>{escape(stress)}</em>")
        else:
            out.append(str(escape(link)))
        at = found.end()
    return "".join(out) + str(escape(text[at:]))
