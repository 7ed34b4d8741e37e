"""Asking gateways for what is missing (SPEC.md section 7.3): beside the acknowledgements, after their commit.

What is found here is written in a transaction of its own, and only while something is missing: should it be cut short,
the hole is still there when the gateway speaks next.
"""

import logging
from dataclasses import replace

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from zonetag_backend.store import chain, gaps
from zonetag_backend.store.engine import Transaction, reading, writing
from zonetag_backend.store.progress import Boot, Progress
from zonetag_protocol.acknowledgement import Acknowledgement
from zonetag_protocol.loss import Loss

AGAIN_MS = 60_000  # the same boot is asked for again after so long

log = logging.getLogger(__name__)

Told = list[tuple[str, Acknowledgement]]
"""Site and acknowledgement."""


class Gaps:
    """The gaps that are open, as far as this writer knows."""

    def __init__(self, engine: Engine, progress: Progress) -> None:
        self._engine = engine
        self._progress = progress
        self._open: set[Boot] | None = None
        self._asked: dict[Boot, int] = {}

    def lose(self, connection: Transaction, loss: Loss, now_ms: int) -> int:
        """A gateway no longer has these; how many of them were missing.  What is in stays in."""
        self._progress.load(connection, [(loss.gateway, loss.boot)])
        there = chain.committed(connection, {(loss.gateway, loss.boot, seq) for seq in loss.seqs})
        missing = [seq for seq in loss.seqs if (loss.gateway, loss.boot, seq) not in there]
        missing = self._progress.missing(loss.gateway, loss.boot, missing)
        gaps.lose(connection, loss.gateway, loss.boot, missing, now_ms)
        self._asked.pop((loss.gateway, loss.boot), None)  # the rest may be asked for at once
        return len(missing)

    def asking(self, told: Told, now_ms: int) -> tuple[Told, int]:
        """The acknowledgements with what is missing in them, perhaps more of them; how many gaps are new."""
        try:
            return self._asking(told, now_ms)
        except SQLAlchemyError as error:  # the reports are in, and must be acknowledged whatever becomes of this
            log.warning("what is missing cannot be noted: %s", error)
            self._open = None
            return told, 0

    def _asking(self, told: Told, now_ms: int) -> tuple[Told, int]:
        if self._open is None:
            with reading(self._engine) as connection:
                self._open = gaps.still_open(connection)
        spoke = {(ack.gateway, ack.boot) for _, ack in told}
        sites = {ack.gateway: site for site, ack in told}
        # Of earlier boots nobody else would ever ask: their gateway does not speak of them any more.
        others = [boot for boot in self._open if boot[0] in sites and boot not in spoke and self._may_ask(boot, now_ms)]
        look = [boot for boot in spoke if boot in self._open or self._progress.holes(*boot)[1]] + others
        if not look:
            return told, 0
        new = 0
        missing: dict[Boot, tuple[int, ...]] = {}
        with writing(self._engine) as connection:
            for boot in look:
                self._progress.load(connection, [boot])
                lowest, count = self._progress.holes(*boot)
                elsewhere = chain.committed(connection, {(*boot, seq) for seq in lowest})
                if elsewhere:  # another writer's
                    self._progress.settled(*boot, (seq for _, _, seq in elsewhere))
                    lowest, count = self._progress.holes(*boot)
                if gaps.note(connection, *boot, count, now_ms):
                    new += 1
                    log.warning(
                        "gateway %s: %d reports of boot %d are missing [gap]; asked for again", boot[0], count, boot[1]
                    )
                (self._open.add if count else self._open.discard)(boot)
                missing[boot] = tuple(lowest)
        out: Told = []
        for site, ack in told + [(sites[boot[0]], self._progress.committed(*boot, ())) for boot in others]:
            boot = (ack.gateway, ack.boot)
            wanted: tuple[int, ...] = ()
            if missing.get(boot) and self._may_ask(boot, now_ms):
                self._asked[boot] = now_ms
                wanted = tuple(seq for seq in missing[boot] if seq > ack.through and seq not in ack.beyond)
            out.append((site, replace(ack, missing=wanted)))
        return out, new

    def _may_ask(self, boot: Boot, now_ms: int) -> bool:
        return abs(now_ms - self._asked.get(boot, -AGAIN_MS)) >= AGAIN_MS
