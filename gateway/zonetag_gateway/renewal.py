"""The next certificate, in time (SPEC.md section 11.3): asked for from day 60 of 90, again and again until it is there.

| state | what happens |
|---|---|
| two thirds of the certificate's life not over | looked at again after an hour |
| over | a new key is made and kept, a certificate asked for it |
| refused, or nobody answers | again with the same key, after 1 minute, 2, 4 ... 6 hours |
| granted | key and chain replaced as one file, the connection to the broker made anew |
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from zonetag_gateway import identity, tls
from zonetag_gateway.errors import GatewayError
from zonetag_gateway.identity import CA, CLIENT, PRIVATE, Identity
from zonetag_gateway.office import Server, certificate_of, new_key, pem_of, request_for
from zonetag_gateway.source import Clock
from zonetag_protocol import enrolment

log = logging.getLogger(__name__)

LOOK_S = 3600.0
RETRY_S = (60.0, 6 * 3600.0)  # first and longest wait
PART = (2, 3)  # of its life: day 60 of 90
ALARM_MS = 15 * 86_400_000  # before its end: half of the time in which renewing was tried in vain
PENDING = "renewal.pem"  # the next key, until its certificate is there
EARLIEST_MS = 1_704_067_200_000  # 2024: a clock that says less knows nothing, not even an old time


def keeping(
    mine: Identity | None,
    clock: Clock,
    connect_anew: Callable[[str], None],
    *,
    jitter: Callable[[], float],
    behind: Callable[[], bool],
) -> "Renewal | None":
    """What keeps the certificate of an enrolled gateway fresh."""
    if mine is None:
        log.warning("this gateway is not enrolled: at the server type `zonetag gateway enrol NAME`")
        return None
    return Renewal(
        mine,
        lambda: clock.now().utc_ms,
        lambda: connect_anew("its certificate is new"),
        jitter=jitter,
        behind=behind,
    )


class Renewal:
    """Keeps one certificate fresh."""

    def __init__(
        self,
        mine: Identity,
        now_ms: Callable[[], int],
        renewed: Callable[[], None],
        *,
        jitter: Callable[[], float],
        behind: Callable[[], bool] = lambda: False,
    ) -> None:
        """`now_ms` never goes behind the last known time; `renewed` is called when a new certificate is there."""
        self._mine = mine
        self._now_ms = now_ms
        self._renewed = renewed
        self._jitter = jitter
        self._behind = behind
        self._span = mine.span_ms()
        self.failures = 0  # in a row
        self.why = ""  # the last one's code

    def told(self) -> dict[str, Any]:
        """For the health message."""
        return {"until_ms": self._span[1], "renewal_failures": self.failures, "why": self.why}

    @property
    def due_ms(self) -> int:
        """From when on a new one is asked for, UTC."""
        start, end = self._span
        return start + (end - start) * PART[0] // PART[1]

    async def run(self) -> None:
        """For ever."""
        while True:
            now = self._now_ms()
            if now < self.due_ms or now < EARLIEST_MS:
                await asyncio.sleep(min(LOOK_S, max(1.0, (self.due_ms - now) / 1000)))
                continue
            try:
                await asyncio.to_thread(self.renew)
            except GatewayError as error:
                await asyncio.sleep(self._failed(error, now))
            else:
                self.failures, self.why = 0, ""
                log.info("a new certificate is here, until %d (UTC ms)", self._span[1])
                self._renewed()

    def renew(self) -> None:
        """Ask once.  EnrolmentRefused, IdentityUnusable.  Blocks."""
        folder = self._mine.folder
        key = self._key()
        message = enrolment.seal_renewal(enrolment.Renewal(self._mine.name, request_for(key)), self._mine.signing)
        try:
            trusted = tls.context(folder / CA, check_time=not self._behind())
        except OSError as error:
            raise identity.unusable(folder / CA, error) from error
        answer = Server(self._mine.url).post(enrolment.RENEW, message, trusted)
        identity.write(folder / CLIENT, certificate_of(answer, key), PRIVATE)
        with contextlib.suppress(OSError):  # then the next one is asked for with this key, and refused: made anew below
            (folder / PENDING).unlink()
        self._span = self._mine.span_ms()

    def _failed(self, error: GatewayError, now: int) -> float:
        """Say so; how long to wait."""
        self.why = getattr(error, "reason", "") or error.code
        wait = min(RETRY_S[0] * 2.0 ** min(self.failures, 16), RETRY_S[1]) * (0.75 + self._jitter() / 2)
        self.failures += 1
        left_ms = self._span[1] - now
        if self.why == "key-used":
            with contextlib.suppress(OSError):
                (self._mine.folder / PENDING).unlink()
        level = logging.ERROR if left_ms < ALARM_MS else logging.WARNING
        days = max(0, left_ms // 86_400_000)
        log.log(level, "certificate not renewed, it ends in %d days: %s Next try in %.0f s", days, error, wait)
        return wait

    def _key(self) -> ec.EllipticCurvePrivateKey:
        """The next key: the same one until its certificate is there, so that a lost answer can be asked for again."""
        pending = self._mine.folder / PENDING
        try:
            key = serialization.load_pem_private_key(pending.read_bytes(), None)
            if isinstance(key, ec.EllipticCurvePrivateKey):
                return key
        except (OSError, ValueError):
            pass
        made = new_key()
        identity.write(pending, pem_of(made), PRIVATE)
        return made
