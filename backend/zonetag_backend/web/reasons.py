"""What the reasons for keeping a window apart mean, in words for people."""

from zonetag_backend import rules
from zonetag_backend.web.languages import marked as _

# A reason of zonetag_backend.rules -> words.
TEXTS = {
    rules.UNKNOWN: _("No tag on record has this identifier: a tag of another office, or one not entered yet."),
    rules.FORGED: _(
        "The identifier is of one of our tags, but the authenticator is wrong: somebody may be imitating it."
    ),
    rules.STALE: _("Genuine, but not fresh: a replay of what was heard before, or a clock that cannot be right."),
    rules.RELAYED: _(
        "Genuine, but heard at two sites at once: somebody carries its signal from one to the other, or the two sites"
        " are so near that both hear it. Neither hearing is believed."
    ),
    rules.EXPIRED: _("It was heard longer ago than anything is kept, and came too late."),
    rules.CLOCK: _("The gateway's clock could not be right, so the time of hearing is not known."),
}
