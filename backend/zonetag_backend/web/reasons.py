"""What the reasons for keeping a window apart mean, in words for people."""

from zonetag_backend.web.languages import marked as _

# Code of zonetag_protocol.errors or of the ingest's rules -> words.
TEXTS = {
    "unknown": _("No tag on record has this identifier: a tag of another office, or one not entered yet."),
    "forged": _("The identifier is of one of our tags, but the authenticator is wrong: somebody may be imitating it."),
    "stale": _("Genuine, but not fresh: a replay of what was heard before, or a clock that cannot be right."),
    "malformed": _("The bytes break their own format."),
    "clock": _("The gateway's clock could not be right, so the time of hearing is not known."),
}
