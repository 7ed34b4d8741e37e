"""Tags and gateways as the backend meets them: real frames in windows and chained reports, without a radio."""

import hashlib
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from zonetag_protocol import envelope, frame, report, rotation, topics

TICK_MS = report.TICK_MS
NOW_MS = 1_790_000_000_000  # 2026-09-21 UTC; tests choose their own times around it
SYNCHRONISED = True


@dataclass(frozen=True)
class Tag:
    """A tag whose clock stands at `(utc_ms - offset_ms) * (1 + ppm / 10^6)`, in ms."""

    master: bytes
    offset_ms: int
    ppm: float = 0.0
    keys: rotation.Keys = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", rotation.derive_keys(self.master))

    def t_ms(self, utc_ms: int) -> int:
        return round((utc_ms - self.offset_ms) * (1 + self.ppm / 1e6))

    def advert(self, utc_ms: int, status: int = 7) -> bytes:
        return frame.seal(self.keys, self.t_ms(utc_ms) // 1000, status)

    def window(self, utc_ms: int, span_ms: int = 0, *, sent_ms: int | None = None, rssi: int = -60) -> "Heard":
        """What a gateway heard from `utc_ms` on; `sent_ms` is when that was sent, if it is a replay."""
        advert = self.advert(utc_ms if sent_ms is None else sent_ms)
        return Heard(utc_ms, span_ms, advert[13:21], advert[25:31], rssi)


@dataclass(frozen=True)
class Heard:
    """A window with its time still in UTC."""

    utc_ms: int
    span_ms: int
    eid: bytes
    auth: bytes
    rssi: int = -60
    kind: int = report.KIND_ZONETAG
    count: int = 5

    def but(self, **changes: object) -> "Heard":
        return replace(self, **changes)  # type: ignore[arg-type]  # whatever a test wants to have wrong

    def row(self, base_ms: int) -> report.Window:
        first = (self.utc_ms - base_ms) // TICK_MS
        rssi = (self.rssi, self.rssi - 1, self.rssi - 5, self.rssi - 9)
        return report.Window(self.kind, self.eid, self.auth, first, self.span_ms // TICK_MS, self.count, *rssi)


class Gateway:
    """A gateway in one boot: numbers and chains its reports."""

    def __init__(self, name: str = "gw1", site: str = "hq", boot: int = 1 << 32, start_ms: int = NOW_MS) -> None:
        self.name = name
        self.site = site
        self.boot = boot
        self._start_ms = start_ms - 60_000  # when it was switched on
        self._seq = 0
        self._previous = report.FIRST_PREVIOUS

    def report(self, *heard: Heard, base_ms: int | None = None, synchronised: bool = SYNCHRONISED) -> report.Report:
        """The next report, of these windows."""
        base = min((h.utc_ms for h in heard), default=NOW_MS) if base_ms is None else base_ms
        base -= base % TICK_MS
        self._seq += 1
        made = report.Report(
            self.name,
            self.boot,
            self._seq,
            self._previous,
            report.Base(base, base - self._start_ms, synchronised),
            report.columns_of([h.row(base) for h in heard]),
            {"adverts": 5 * len(heard)},
        )
        self._previous = report.hash_of(report.encode(made))
        return made

    def topic(self, leaf: str = topics.REPORT) -> str:
        return topics.topic(self.site, self.name, leaf)


def signing_key(gateway: str) -> Ed25519PrivateKey:
    """The key with which a gateway of the tests signs."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(gateway.encode()).digest())


def sealed(made: report.Report, key: Ed25519PrivateKey | None = None) -> bytes:
    """As it goes over the wire: signed with its gateway's key, or another one."""
    return envelope.wrap(report.encode(made), topics.REPORT, key or signing_key(made.gateway))
