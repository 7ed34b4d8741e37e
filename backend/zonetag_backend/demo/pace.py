"""Holds the simulated air back when backend and gateways cannot keep up, so that the book is never far behind its time.

Gateways take whatever comes and keep it in their spools; without this a slow machine would run through the day at full
speed with the book hours behind, and everybody in it would seem to have left.
"""

import asyncio

from zonetag_backend.simulate.air_server import AirServer
from zonetag_backend.store.counting import reported_until
from zonetag_backend.store.engine import Database, reading

_LOOK_S = 0.25  # how often it looks
_PATIENCE = 8  # looks with no progress after which the air goes a step all the same: perhaps there is nothing to report
_STEP_S = 4.0
_REPORT_S = 15.0  # a report of 5 s, the window of 4 s that it waits for, and some


def lead_s(speed: float, absence_s: float) -> float:
    """How far the air may be ahead of what is committed: two seconds of work, but well within the absence threshold."""
    return _REPORT_S + min(max(2 * speed, 15.0), max(60.0, 0.6 * absence_s))


class Pace:
    """Allows the air to go on, as far as the book has come."""

    def __init__(self, air: AirServer, engine: Database, start_ms: int, gateways: int, lead: float) -> None:
        self._air = air
        self._engine = engine
        self._start_ms = start_ms
        self._gateways = gateways
        self._lead = lead

    async def run(self) -> None:
        """For as long as the air runs."""
        until = before = 0.0
        looks = 0
        while True:
            committed = await asyncio.to_thread(self._committed_s)
            looks = looks + 1 if committed == before else 0
            before = committed
            until = max(until, committed + self._lead)
            if looks >= _PATIENCE and self._air.told_s > until - _STEP_S:
                until += _STEP_S
            self._air.allow(until)
            await asyncio.sleep(_LOOK_S)

    def _committed_s(self) -> float:
        """Up to here the reports of every gateway are in the book, seconds of the office."""
        with reading(self._engine) as connection:
            latest = reported_until(connection)
        if len(latest) < self._gateways:
            return 0.0
        return (min(latest.values()) - self._start_ms) / 1000
