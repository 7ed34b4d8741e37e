"""All faults, in the order of the table."""

from faults import kills
from faults.engine import Fault

FAULTS: tuple[Fault, ...] = (kills.BROKER, kills.SERVER, kills.GATEWAY)
