"""A stand-in for `zonetag_power`, the C module of our own builds (firmware/boards/module)."""

import time

import world


def light_sleep(mhz):
    world.light_sleep = mhz


def sleep_ms(ms):
    world.slept += 1
    time.sleep_ms(ms)


def reset_reason():
    return world.reset_reason
