"""Anything that advertises: where it is, when it sends, and what."""

from collections.abc import Callable
from dataclasses import dataclass

from zonetag_backend.simulate.dice import Flags, Floats
from zonetag_backend.simulate.track import Track


@dataclass(frozen=True, slots=True)
class Emitter:
    """One device in the air."""

    track: Track
    times: Floats
    # seconds from the office's start, ascending: when it sends
    advert: Callable[[float], bytes]
    # the AD bytes sent at one of them
    length: int
    # of every advert, bytes
    power_db: float
    # over a tag's
    worn: bool
    # a body stands behind it


@dataclass(frozen=True, slots=True)
class Sent:
    """Many adverts as they leave their senders, a column each, ascending in time."""

    times: Floats
    # seconds from the office's start
    x: Floats
    y: Floats
    # metres
    heading: Floats
    # radians from the x axis: which way the wearer faces
    power_db: Floats
    # over a tag's
    worn: Flags
    # a body stands behind it


@dataclass(frozen=True, slots=True)
class Heard:
    """One advert at one gateway."""

    at: float
    # seconds from the office's start
    rssi: int
    # dBm
    data: bytes
    # AD bytes
