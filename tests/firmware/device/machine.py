"""A stand-in for `machine` (and, through `world`, its controls): pins, ADC, I2C, watchdog and reset as on an ESP32."""

import world

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5


class Pin:
    IN = 1
    OUT = 3
    PULL_UP = 2
    IRQ_FALLING = 2

    def __init__(self, pin, mode=-1, pull=-1):
        self.pin = pin
        world.pins[pin] = self
        self._level = 1
        self._handler = None

    def value(self, level=None):
        if level is None:
            return self._level
        self._level = int(level)
        world.levels.append((self.pin, self._level))
        del world.levels[:-64]
        return None

    def irq(self, handler, trigger):
        self._handler = handler

    def press(self):
        """A falling edge, and up again."""
        self._handler(self)


class ADC:
    ATTN_11DB = 3

    def __init__(self, pin, atten=None):
        self.pin = pin

    def read_uv(self):
        return world.battery_uv


class I2C:
    def __init__(self, number, scl, sda, freq):
        self.freq = freq

    def writeto_mem(self, address, register, data):
        if world.acceleration is None:
            raise OSError(19)

    def readfrom_mem_into(self, address, register, buffer):
        if world.acceleration is None:
            raise OSError(19)
        for i in range(3):
            raw = world.acceleration[i] * 16384 // 1000 & 0xFFFF
            buffer[2 * i] = raw >> 8
            buffer[2 * i + 1] = raw & 0xFF


class WDT:
    def __init__(self, timeout):
        world.watchdog_ms = timeout

    def feed(self):
        world.fed += 1


def bitstream(pin, encoding, timing, buffer):
    pin.value(1 if any(buffer) else 0)


def freq(hertz):
    world.hertz = hertz


def reset_cause():
    return world.reset_cause


def reset():
    raise SystemExit(77)
