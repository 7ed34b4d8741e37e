"""Entries of the audit log in words: who it was, and what a program wrote as the reason.

What a person typed as a reason is shown as it is; what has no words here is shown by its code.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date

from zonetag_backend.audit_chain import Entry
from zonetag_backend.reports.reminder import FLAT, SILENT
from zonetag_backend.store.audit import ACTIONS
from zonetag_backend.web import subjectwords, words
from zonetag_backend.web.languages import marked as _

Say = Callable[[str], str]
"""gettext."""
Names = Mapping[str, Mapping[str, str]]
"""By kind of thing (the second word of ACTIONS in store/audit.py): what is said for what the log says."""

ON_OFF = {"on": _("on"), "off": _("off")}
WHY = {SILENT: _("not heard for a week"), FLAT: _("battery nearly flat")}
TRACED = _("traced anew")
SPOKEN = _("told somebody by telephone")
# What stands before a number.
COUNTED = {
    "notices": _("notices put in line: %s"),
    "spoken, withdrawn": _("told somebody by telephone; notices withdrawn: %s"),
}
ROSTER = _("%(new)s new people, %(changed)s changed, %(tags)s tags handed out")
TOKENS = {"token made": _("token made"), "token used": _("token used")}
ACTORS = {
    "cli": _("%s, by a command on the server"),
    "screen": _("entrance screen %s"),
    "person": _("the person themselves"),
    "system": _("the server itself"),
    "link": _("whoever opened a one-time link"),
}
# What the commands on tags wrote, and the pages.
STATES = {
    "nobody wears it now": _("nobody wears it now"),
    "is lost: nobody wears it, and it is still listened for": _("lost"),
    "is out of use: it is no longer resolved": _("out of use for good"),
    "lost": _("lost"),
    "found": _("found again"),
    "retire": _("out of use for good"),
    "keep": _("kept for visitors"),
    "release": _("no longer kept for visitors"),
}
# What a tag is to be told: the first word of the reason; what else stands there is a version.
ORDERS = {
    "find": _("blink"),
    "settings": _("settings"),
    "update": _("new firmware"),
    "stop": _("stopped rolling out"),
}
# What expired (store/retention.py), by what it says of itself.
EXPIRED = {
    "visit": _("visits: %s"),
    "visit_correction": _("corrected visits: %s"),
    "presence": _("stays at places: %s"),
    "heard": _("what gateways heard, days or parts of one: %s"),
    "rejected": _("signals kept apart: %s"),
    "contact_log": _("contacts that tags logged: %s"),
    "contact_rejected": _("contact records kept apart: %s"),
    "case_record": _("cases: %s"),
    "case_exposure": _("contacts of cases: %s"),
    "case_notice": _("notices of cases: %s"),
    "case_foreign": _("cases of other offices: %s"),
    "case_match": _("where cases of other offices were heard: %s"),
    "reading_reason": _("reasons to read: %s"),
    "declaration": _("health declarations: %s"),
    "reminder": _("reminders: %s"),
    "held_report": _("reports held until a clock was known: %s"),
    "report": _("receipts of gateways' reports: %s"),
    "wearing": _("who wore which tag: %s"),
    "person": _("people who left: %s"),
    "data_request": _("requests about personal data: %s"),
}
ALL_TAGS = _("all tags")
# What `about` is, where a number says little (the second word of ACTIONS in store/audit.py).
KINDS = {
    "person": _("person %s"),
    "case": _("case %s"),
    "case of another office": _("case %s of another office"),
    "request": _("request %s"),
    "screen": _("screen %s"),
    "place": _("place %s"),
    "how many people": _("people: %s"),
    "seq of the last entry removed": _("up to entry %s"),
}
# What was exported: the first word of `about`, with or without what it is of (a case, a site and a day).
EXPORTS = {
    "case": KINDS["case"],
    "book": _("In-out book"),
    "evacuation": _("Evacuation list"),
    "adoption": _("Report on the use of tags"),
    "labels": _("Labels of tags"),
    "poster-entrance": _("Poster at the entrance"),
    "poster-lift": _("Poster in the lift"),
    "poster-declaration": _("Poster of the health declaration"),
    "consent": _("Consent form"),
    "visitor": _("Visitor slips"),
}
EXPORT = "export.make"
FORMS = {each: each.upper() for each in ("pdf", "xlsx", "csv", "json")}


def who(actor: str, roles: Mapping[str, str], say: Say) -> str:
    """An actor; `roles`: of each account, by name."""
    kind, _colon, name = actor.partition(":")
    if kind == "account":
        role = roles.get(name)
        return f"{name} ({say(words.ROLES[role])})" if role in words.ROLES else name
    text = ACTORS.get(kind)
    if text is None:
        return actor
    return say(text) % name if "%s" in text else say(text)


def about(each: Entry, say: Say, names: Names, day: Callable[[date], str]) -> str:
    """What an entry is about: by its name as people say it, or with a word before its number.

    `names`: of "site", "place" and "screen", by what the log says; of one that is there no more it says that itself.
    `day`: a day as the language writes it.
    """
    if each.action == EXPORT:
        what, _space, of = each.about.partition(" ")
        if what not in EXPORTS:
            return each.about
        text, of = say(EXPORTS[what]), _of(of, names["site"], day)
        return text % of if "%s" in text else f"{text}: {of}" if of else text
    if each.action == "tag.order" and each.about == "all":
        return say(ALL_TAGS)
    kind = ACTIONS.get(each.action, "")
    if name := names.get(kind, {}).get(each.about):
        return name
    return say(KINDS[kind]) % each.about if kind in KINDS and each.about.isdecimal() else each.about


def _of(text: str, sites: Mapping[str, str], day: Callable[[date], str]) -> str:
    """A site, or a site and a day, of which something was exported."""
    site, _space, when = text.partition(" ")
    with suppress(ValueError):
        when = day(date.fromisoformat(when))
    return ", ".join(filter(None, (sites.get(site, site), when)))


def reason(each: Entry, roles: Mapping[str, str], say: Say) -> str:
    """The reason of an entry."""
    given, action = each.reason, each.action
    if action in _LISTED:
        between, *known = _LISTED[action]
        return between.join(_said(part, say, *known) for part in given.split(between))
    if action == "retention.expire":
        return ", ".join(_counted(part, say) for part in given.split(", "))
    if action == "tag.order":
        order, _space, version = given.partition(" ")
        return f"{_said(order, say, ORDERS)} {version}".strip()
    if action == "tag.give" and (worn := _WEARER.fullmatch(given)):
        return say(KINDS["person"]) % worn[1]
    if action == "account.role":
        return " → ".join(_said(part, say, words.ROLES) for part in given.split(" to "))
    if action in ("consent.give", "import.consent"):
        asked_by, _colon, rest = given.partition(": ")
        return f"{who(asked_by, roles, say)}: {rest}"
    if action == "case.change" and (counted := given.partition(": "))[0] in COUNTED:
        return say(COUNTED[counted[0]]) % counted[2]
    if action == "people.import" and (counts := _ROSTER.fullmatch(given)):
        return say(ROSTER) % counts.groupdict()
    if action in (EXPORT, "mine.export"):
        return FORMS.get(given, given)
    if action == "gateway.side":
        return _said(given, say, words.SIDES)
    if action in ("account.add", "account.link"):
        return _said(given, say, words.ROLES)
    notes = {"traced": TRACED, "spoken": SPOKEN}
    return _said(given, say, notes, ON_OFF, STATES, TOKENS) if action in _CODED else given


_CODED = ("case.change", "declaration.switch", "gateway.enrol", "tag.state", "tag.pool")
# Several in a row: what stands between them, and the words of each.
_AGREED = (", ", subjectwords.SHORT, subjectwords.HOW)
_ASKED = (": ", subjectwords.KINDS, subjectwords.STATES)
_LISTED: Mapping[str, tuple[str, *tuple[Mapping[str, str], ...]]] = {
    **{each: _AGREED for each in ACTIONS if each.startswith("agreement.")},
    "request.open": _ASKED,
    "request.settle": _ASKED,
    "reminder.send": (", ", WHY),
}
_WEARER = re.compile(r"person (\d+)")  # the command writes it
_ROSTER = re.compile(r"new (?P<new>\d+), changed (?P<changed>\d+), tags (?P<tags>\d+)")  # store/rosters.py writes it


def _counted(part: str, say: Say) -> str:
    """How much of what expired."""
    what, _space, number = part.partition(" ")
    return say(EXPIRED[what]) % number if what in EXPIRED else part


def _said(part: str, say: Say, *known: Mapping[str, str]) -> str:
    return next((say(each[part]) for each in known if part in each), part)
