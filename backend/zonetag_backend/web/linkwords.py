"""How sessions of the link ended at a gateway, in words for people, and what to do when most end so: docs/*/link.md."""

from zonetag_backend.web.languages import marked as _
from zonetag_protocol import carriage

# A code of carriage.ENDED -> words beside a number.
ENDS = {
    carriage.OVER: _("all said"),
    carriage.GONE: _("broke off"),
    carriage.EXPIRED: _("tag not heard again"),
    carriage.UNREACHABLE: _("no connection"),
    carriage.NO_LINK: _("no such service"),
    carriage.TIME: _("took too long"),
    carriage.MALFORMED: _("unreadable"),
    carriage.LOST: _("lost on the way to the server"),
    carriage.BUSY: _("too many calls"),
}
# The same -> what to do when it is more than half of them; of OVER nothing.
ADVICE = {
    carriage.GONE: _(
        "Most connections break off: put the gateway where people sit rather than pass, or nearer to them."
    ),
    carriage.EXPIRED: _(
        "Most tags are not heard again in time: put a gateway nearer to where people sit, or another one."
    ),
    carriage.UNREACHABLE: _(
        "Most tags cannot be connected to: type sudo zonetag-gateway doctor there; a busy adapter needs another one"
        " beside it (link.adapter)."
    ),
    carriage.NO_LINK: _("Most tags have no link: their firmware is old, or they are none of ours. Flash them anew."),
    carriage.TIME: _("Most take too long: raise link.budget_s there, or type sudo zonetag-gateway doctor."),
    carriage.MALFORMED: _("Most is unreadable: take the tag that does so out of use, and flash it anew."),
    carriage.LOST: _("Most is lost on the way to the server: look at the broker and at the gateway's network."),
    carriage.BUSY: _("Too many tags wait here: put another gateway with the link there, or raise link.connections."),
}
