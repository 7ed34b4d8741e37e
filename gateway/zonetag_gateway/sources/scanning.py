"""Which adapters to scan with and how, and what to match.  Pure.  (What silence means: zonetag_gateway.recovery.)

Why two scanners at once: without a filtered active discovery bluetoothd publishes RSSI only when it moves by 8 dB, and
service data only when it changes; without an advertisement monitor the kernel leaves the controller's duplicate filter
on.  Together they give every advert.  Either alone is enough to see our own tags, whose frame changes every 4 s: one
advert of each slot at least.  Passive asks nothing of the devices around.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from zonetag_gateway.errors import SourceError
from zonetag_protocol import advert

PASSIVE = "passive"
ACTIVE = "active"
AUTO = "auto"

ENABLE_MONITORS = (
    "Turn them on: set `Experimental = true` under [General] in /etc/bluetooth/main.conf, "
    "then sudo systemctl restart bluetooth (kernel 5.10 or later)"
)


def _service_data(uuid: int) -> tuple[int, int, bytes]:
    return (0, advert.SERVICE_DATA16, uuid.to_bytes(2, "little"))


def _company(company: int, data: bytes = b"") -> tuple[int, int, bytes]:
    return (0, advert.MANUFACTURER, company.to_bytes(2, "little") + data)


def patterns(company: int) -> tuple[tuple[int, int, bytes], ...]:
    """What the passive scanner lets through: (offset, AD type, bytes) each; `company` is the fleet's.

    bluetoothd itself compares, and not always the same: up to 5.66 with the bytes of the AD structure; in 5.82 service
    data without its UUID in front, and lists of UUIDs not at all.  So an identifier stands here twice, our own tags
    three times; of the phones that only 5.66 finds so, 5.82 tells through the active scanner.  Never Flags: an advert
    with other flags would vanish.

    Seven at most: the kernel takes 16, but bluetoothd 5.66 (Debian 12) counts the bytes of its request, 34 a pattern,
    in one byte; with an 8th it writes past its buffer and dies ("malloc(): corrupted top size").
    """
    return (
        _company(company),
        _service_data(advert.EDDYSTONE_UUID),
        (0, advert.SERVICE_DATA16, b"\x30"),  # Eddystone-EID's frame type
        _company(advert.BLUEZONE_COMPANY),
        _company(advert.APPLE_COMPANY, advert.BLUEZONE_OVERFLOW),
        _service_data(advert.EXPOSURE_UUID),
        _service_data(advert.TOKEN_UUID),
    )


class AdapterState(Protocol):
    """What must be known of an adapter (`zonetag_gateway.bluez.Adapter` is one)."""

    @property
    def name(self) -> str: ...
    @property
    def powered(self) -> bool: ...
    @property
    def power_state(self) -> str: ...
    @property
    def central(self) -> bool: ...
    @property
    def monitors(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How to scan with one adapter."""

    adapter: str
    # hci0
    modes: tuple[str, ...]
    # PASSIVE, ACTIVE or both; the last one is the one that is listened to


def plan(adapters: Sequence[AdapterState], wanted: Sequence[str], scanning: str) -> list[Plan]:
    """The plan for each of `wanted` (none = the first that can), with the setting source.scanning; or SourceError."""
    if not adapters:
        raise SourceError(
            "there is no Bluetooth adapter",
            "Plug one in, or see whether the system finds one: sudo dmesg | grep -i bluetooth; rfkill list",
        )
    by_name = {adapter.name: adapter for adapter in adapters}
    if not wanted:
        able = [adapter for adapter in adapters if adapter.powered and adapter.central]
        return [_plan((able or list(adapters))[0], scanning)]
    for name in wanted:
        if name not in by_name:
            raise SourceError(
                f"there is no adapter {name}", f"Set source.adapters to one of those there are: {', '.join(by_name)}"
            )
    return [_plan(by_name[name], scanning) for name in wanted]


def _plan(adapter: AdapterState, scanning: str) -> Plan:
    if not adapter.powered:
        if adapter.power_state == "off-blocked":
            raise SourceError(f"{adapter.name} is blocked (rfkill)", "Unblock it: sudo rfkill unblock bluetooth")
        raise SourceError(
            f"{adapter.name} is switched off",
            "Switch it on: sudo rfkill unblock bluetooth; bluetoothctl power on",
        )
    if not adapter.central:
        raise SourceError(f"{adapter.name} cannot scan for Bluetooth LE", "Use an adapter of Bluetooth 4.0 or later")
    if scanning == AUTO:
        return Plan(adapter.name, (PASSIVE, ACTIVE) if adapter.monitors else (ACTIVE,))
    modes = tuple(scanning.split("+"))
    if PASSIVE in modes and not adapter.monitors:
        raise SourceError(f"{adapter.name} offers no passive scanning (advertisement monitors)", ENABLE_MONITORS)
    return Plan(adapter.name, modes)
