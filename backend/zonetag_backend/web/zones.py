"""The time zone of pages that belong to no site."""

from zoneinfo import ZoneInfo

from zonetag_backend.store import book as store
from zonetag_backend.store.engine import Transaction


def first_zone(connection: Transaction) -> ZoneInfo:
    """That of the first site, by its title; UTC when there is none."""
    return next((site.zone for site in store.sites(connection)), ZoneInfo("UTC"))
