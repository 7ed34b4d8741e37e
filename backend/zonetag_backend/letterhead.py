"""Who writes an office's papers."""

from dataclasses import replace

from zonetag_backend.reports.letterhead import Letterhead
from zonetag_backend.store.book import sites
from zonetag_backend.store.engine import Transaction


def head_of(head: Letterhead, connection: Transaction) -> Letterhead:
    """The head of the settings `[office]`; where they do not name the office, its only site does."""
    known = sites(connection) if not head.name else []
    return replace(head, name=known[0].title) if len(known) == 1 else head
