"""What codes of refusal mean, in words for people: of windows kept apart, and of whole messages."""

from zonetag_backend import rules, signatures
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
# The same in a word or two, beside a number; the code itself stands in addresses, JSON and commands.
NAMES = {
    rules.UNKNOWN: _("unknown"),
    rules.FORGED: _("forged"),
    rules.STALE: _("stale"),
    rules.RELAYED: _("relayed"),
    rules.EXPIRED: _("too late"),
    rules.CLOCK: _("wrong clock"),
}
# Why a whole message of a gateway was refused: a code of zonetag_backend.signatures -> words.
MESSAGES = {
    signatures.NOT_ENROLLED: _("not enrolled"),
    signatures.UNSIGNED: _("unsigned"),
    signatures.FORGED: _("forged"),
    signatures.OTHER_GATEWAY: _("another gateway's key"),
    signatures.OLD_KEY: _("old key"),
    signatures.REVOKED: _("revoked"),
    signatures.MALFORMED: _("malformed"),
    signatures.NOT_OURS: _("not of this system"),
}
