"""The authority while the server is at work: renews what is due, says what ends soon, ends sessions of the revoked."""

import asyncio
import logging
import threading
from collections.abc import Callable

from zonetag_backend import ca_keeper, kick
from zonetag_backend.config import Config
from zonetag_backend.errors import BackendError
from zonetag_backend.kick import KICKED, Kicker
from zonetag_backend.office_ca import OfficeCa
from zonetag_backend.pki import watch
from zonetag_backend.pki.folder import Folder
from zonetag_backend.store import certificates
from zonetag_backend.store.engine import Database, reading, refusals, writing

LOOK_S = 60.0  # how often: a revocation whose command could not reach the broker waits no longer
KEEP_MS = 3600 * 1000  # between two looks at everything
TELL_MS = 24 * KEEP_MS  # what ends soon is told again after a day
KICK_MS = 20_000  # how long the broker may take to read its list
LONGEST_MS = KEEP_MS  # between two tries of a broker that is not told of new lists

log = logging.getLogger(__name__)


class CaWatch:
    """`first` before the broker is needed, then `run` until it is cancelled."""

    def __init__(self, database: Database, config: Config, clock: Callable[[], int]) -> None:
        self._database = database
        self._config = config
        self._clock = clock
        self._kept_ms: int | None = None
        self._told: dict[tuple[str, str], tuple[str, int]] = {}  # (what, name) -> level and when it was told
        self._kick_ms = 0  # when to try again
        self._wait_ms = 0  # how long the next failure waits
        self._stopping = threading.Event()

    async def run(self) -> None:
        """Look every minute.  Never ends by itself; a fault is told, and looked at again."""
        while True:
            await asyncio.sleep(LOOK_S)
            await asyncio.to_thread(self.look)

    def stop(self) -> None:
        """Wait for no broker any more; then `run` may be cancelled."""
        self._stopping.set()

    def look(self) -> None:
        """One look.  Faults go to the log: the server serves on."""
        try:
            with refusals(self._database):
                self._look()
        except BackendError as error:
            log.error("certificates: %s", error)

    def _look(self) -> None:
        if not Folder(self._config.data).is_there:
            return
        now_ms = self._clock()
        ca = OfficeCa.open(self._config.data)
        if self._kept_ms is None or not 0 <= now_ms - self._kept_ms < KEEP_MS:
            self._kept_ms = now_ms
            try:
                for path in ca_keeper.keep(self._database, ca, now_ms):
                    log.info("certificates: %s is new", path)
            finally:
                self._tell(ca, now_ms)
        if self._config.broker.tls and now_ms >= self._kick_ms:
            self._kick(ca, now_ms)

    def _tell(self, ca: OfficeCa, now_ms: int) -> None:
        with reading(self._database) as connection:
            terms = ca_keeper.terms(connection, ca, now_ms)
        for each in terms:
            level, at_ms = self._told.get((each.what, each.name), (watch.OK, 0))
            if each.level == watch.OK or (each.level == level and now_ms - at_ms < TELL_MS):
                continue
            self._told[each.what, each.name] = (each.level, now_ms)
            days = (each.ends_ms - now_ms) // watch.DAY_MS
            when = f"ends in {days} days" if each.ends_ms else "is not there, or cannot be read"
            at = logging.WARNING if each.level == watch.SOON else logging.ERROR
            log.log(at, "certificates: %s %s %s: see zonetag ca show", each.what, each.name, when)

    def _kick(self, ca: OfficeCa, now_ms: int) -> None:
        with reading(self._database) as connection:
            names = certificates.to_kick(connection, now_ms - round(LOOK_S * 1000))
        broker = self._config.broker
        kicker = Kicker(self._database, ca, broker.host, broker.port, self._clock, self._stopping.wait)
        for name in names:
            with writing(self._database) as connection:
                revoked = kick.again(connection, ca, name, now_ms)
            ca.write_crl(revoked.crl)
            ca_keeper.keep(self._database, ca, now_ms)
            if (found := kicker.kick(revoked, now_ms + KICK_MS)) == KICKED:
                log.info("certificates: the broker refuses %s, and its session has been ended", name)
                continue
            self._wait_ms = min(2 * self._wait_ms + KICK_MS, LONGEST_MS)
            self._kick_ms = now_ms + self._wait_ms
            log.error("certificates: %s is revoked, but the broker (%s) may let it in: reload it", name, found)
            return
        self._wait_ms = 0
