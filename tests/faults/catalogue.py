"""All faults, in the order of the table."""

from faults import backup, flood, full_disk, hostile, kills, network, old_schema, power_cut, wrong_clock
from faults.engine import Fault

FAULTS: tuple[Fault, ...] = (
    kills.BROKER,
    kills.SERVER,
    kills.GATEWAY,
    power_cut.SPOOL,
    power_cut.DATABASE,
    network.CUT,
    network.LOSS,
    network.HALF_OPEN,
    full_disk.GATEWAY,
    full_disk.BROKER,
    full_disk.SERVER,
    wrong_clock.FAULT,
    flood.FAULT,
    hostile.FUZZ,
    hostile.BROKER,
    old_schema.FAULT,
    backup.FAULT,
)
