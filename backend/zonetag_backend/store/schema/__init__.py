"""Tables.  Times are whole milliseconds since 1970, UTC; RSSI is dBm; keys come from no central counter.

Identifiers `id` are 63 random bits, so that two workers, or two databases later merged, never give the same one.
One file a subject; `metadata` holds them all, whichever of them is imported.
"""

from zonetag_backend.store.schema import accounts, audit, cases, contacts, enrolment, held, office, secrets
from zonetag_backend.store.schema.base import metadata
from zonetag_backend.store.schema.core import (
    gateway,
    gateway_status,
    heard_table,
    person,
    place,
    presence,
    registry_revision,
    rejected,
    rejected_total,
    report,
    report_run,
    site,
    tag,
    tag_clock,
    visit,
    visit_correction,
    wearing,
)

__all__ = [
    "accounts",
    "audit",
    "cases",
    "contacts",
    "enrolment",
    "gateway",
    "gateway_status",
    "heard_table",
    "held",
    "metadata",
    "office",
    "person",
    "place",
    "presence",
    "registry_revision",
    "rejected",
    "rejected_total",
    "report",
    "report_run",
    "secrets",
    "site",
    "tag",
    "tag_clock",
    "visit",
    "visit_correction",
    "wearing",
]
