"""What is wrong with a gateway, in words, and the playbook of each."""

from zonetag_backend.store.gateway_health import GatewayHealth
from zonetag_backend.web.languages import marked as _

MANY_REPORTS = 60  # that wait on a gateway: more than an hour's, or the way is too narrow

# Alarm -> words, and its heading in docs/*/playbooks.md.
ALARMS = {
    "offline": (_("offline"), "ZonetagGatewayOffline"),
    "deaf": (_("it hears nothing"), "ZonetagGatewayDeaf"),
    "adapter": (_("one of its adapters hears nothing"), "ZonetagGatewayAdapterDeaf"),
    "refused": (_("its messages are refused"), "ZonetagGatewayRefused"),
    "missing": (_("reports are missing"), "ZonetagGatewayUnacknowledged"),
    "dropped": (_("it could not keep everything"), "ZonetagGatewayLoses"),
    "spool": (_("many reports wait to be sent"), "ZonetagGatewaySpoolFills"),
    "clock": (_("its clock is not synchronised"), "ZonetagGatewayClockUnsynchronised"),
    "update": (_("an update did not stay"), "ZonetagGatewayUpdateFailed"),
}
# Heading in docs/*/playbooks.md, as Prometheus names the alert -> its title.
TITLES = {
    "ZonetagGatewayGone": _("A gateway does not answer"),
    "ZonetagGatewayDeaf": _("A gateway hears nothing"),
    "ZonetagGatewayAdapterDeaf": _("One adapter of a gateway hears nothing"),
    "ZonetagGatewayUpdateFailed": _("An update of a gateway did not stay"),
    "ZonetagGatewayOffline": _("A gateway is offline"),
    "ZonetagGatewayUnacknowledged": _("A gateway's reports are not acknowledged"),
    "ZonetagGatewayRefused": _("A gateway's messages are refused"),
    "ZonetagGatewaySpoolFills": _("Many reports wait on a gateway"),
    "ZonetagGatewayDiskRefuses": _("A gateway's disk takes nothing"),
    "ZonetagGatewayLoses": _("A gateway could not keep everything"),
    "ZonetagGatewayFlooded": _("Somebody sends invented identifiers near a gateway"),
    "ZonetagGatewayClockUnsynchronised": _("A gateway's clock is not synchronised"),
    "ZonetagGatewayClockWrong": _("A gateway's clock is wrong"),
    "ZonetagGatewayRestarts": _("A gateway starts again and again"),
}


def alarms_of(each: GatewayHealth) -> tuple[str, ...]:
    """What is wrong with a gateway, worst first."""
    wrong = {
        "offline": each.online is False,
        "deaf": bool(each.online) and each.adverts_per_min == 0,
        "adapter": bool(each.online and each.deaf_adapters),
        "refused": bool(each.refused or each.refusals),
        "missing": bool(each.missing or each.lost),
        "dropped": each.dropped > 0,
        "spool": (each.spool_reports or 0) > MANY_REPORTS,
        "clock": each.synchronised is False,
        "update": each.updates_failed > 0,
    }
    return tuple(alarm for alarm, is_so in wrong.items() if is_so)
