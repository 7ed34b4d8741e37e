"""A stand-in for `zonetag_power`, the C module of our own builds (firmware/boards/module)."""

import world


def light_sleep(mhz):
    world.light_sleep = mhz


def reset_reason():
    return world.reset_reason
