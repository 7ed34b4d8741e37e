"""The board: the only file that imports `machine` and `esp32` (and, in our own builds, `zonetag_power`).

All the rest is given a Board.  What the hardware refuses comes back as False or None, never as an exception: a tag
without its LED or its battery reading still is a tag.  Time: `ticks` and `sleep_ms`, the seam at which tests run a
week in a minute.
"""

import os
import sys
import time

import esp32
import machine

from zonetag_tag import boards, faults, mpu6886

try:
    import zonetag_power  # C, in our own builds alone: automatic light sleep, and the chip's own reset reason
except ImportError:
    zonetag_power = None

NVS_NAMESPACE = "zonetag"
NVS_BYTES = 64  # longest record
WATCHDOG_MS = 30000  # over seven slots: a stuck tag is back within the half minute
ADC_SAMPLES = 8
MEGA = 1000000
ADC_ATTENUATION = 3  # 11 dB: up to about 3.1 V at the pin, of the 2.1 V that a full cell makes behind 1:2

# `esp_reset_reason()` of the ESP-IDF, which alone tells a dip of the supply from a battery change.
REASONS = {4: faults.CRASH, 5: faults.WATCHDOG, 6: faults.WATCHDOG, 7: faults.WATCHDOG, 9: faults.BROWN_OUT}
# WS2812: 0 bit high and low, 1 bit high and low, ns.
RGB_TIMING = (400, 850, 800, 450)
RGB_DIM = b"\x00\x08\x00"  # green, red, blue


class Time:
    """MicroPython's own counter and sleep: what tests replace by a faster one."""

    def ticks_ms(self) -> int:
        """A millisecond counter that wraps (see `clock`)."""
        return int(time.ticks_ms())  # type: ignore[attr-defined]  # MicroPython's

    def sleep_ms(self, ms: int) -> None:
        """Do nothing for so long.  The port's own sleep waits tick by tick and so keeps the chip awake."""
        if zonetag_power is not None:
            zonetag_power.sleep_ms(ms)
        else:
            time.sleep_ms(ms)  # type: ignore[attr-defined]  # MicroPython's


class Board:
    """One board, as `pins` (a row of `boards`) says."""

    def __init__(self, pins: boards.Board, clock: Time | None = None) -> None:
        self.pins = pins
        self.has_accelerometer = pins.accelerometer is not None
        self._time = clock or Time()
        self._pressed = False
        self._watchdog: machine.WDT | None = None
        self._nvs: esp32.NVS | None = None
        if pins.hold is not None:
            machine.Pin(pins.hold, machine.Pin.OUT).value(1)
        self._led = None if pins.led is None else machine.Pin(pins.led.pin, machine.Pin.OUT)
        self.light(False)
        self._button = None
        if pins.button is not None:
            pull = machine.Pin.PULL_UP if pins.button.pull_up else None
            self._button = machine.Pin(pins.button.pin, machine.Pin.IN, pull)
            self._button.irq(self._on_press, machine.Pin.IRQ_FALLING)
        self._adc = None
        if pins.battery is not None:
            self._adc = machine.ADC(machine.Pin(pins.battery.pin), atten=ADC_ATTENUATION)
        self._accelerometer = mpu6886.Sensor(self._i2c()) if self.has_accelerometer else None

    def ticks(self) -> int:
        """The millisecond counter (see `clock`)."""
        return self._time.ticks_ms()

    def sleep_ms(self, ms: int) -> None:
        """Do nothing; on our own builds the chip sleeps meanwhile, and the radio wakes it."""
        self._time.sleep_ms(ms)

    def say(self, line: str) -> None:
        """A line on the serial line."""
        sys.stdout.write(line + "\n")

    def save_power(self) -> None:
        """Slow the CPU; on our own builds also allow light sleep whenever nothing is to be done."""
        machine.freq(self.pins.cpu_mhz * MEGA)
        if zonetag_power is not None:
            zonetag_power.light_sleep(self.pins.cpu_mhz)

    def random(self) -> int:
        """16 random bits."""
        return int.from_bytes(os.urandom(2), "little")

    def random_bytes(self, count: int) -> bytes:
        """So many random bytes, from the chip's generator (true randomness while the radio is on)."""
        return os.urandom(count)

    def reset_reason(self) -> str:
        """Why the tag started: one of faults.POWER, WATCHDOG, BROWN_OUT, CRASH, or "" for a wanted reset.

        Stock builds call a dip of the supply a switching on.
        """
        if zonetag_power is not None:
            reason = zonetag_power.reset_reason()
            return faults.POWER if reason == 1 else REASONS.get(reason, "")
        cause = machine.reset_cause()
        if cause == machine.PWRON_RESET:
            return faults.POWER
        return faults.WATCHDOG if cause == machine.WDT_RESET else ""

    def reset(self) -> None:
        """Start again."""
        machine.reset()

    def watch(self) -> None:
        """Start the watchdog, or tell it that all is well."""
        if self._watchdog is None:
            self._watchdog = machine.WDT(timeout=WATCHDOG_MS)
        self._watchdog.feed()

    def confirm_firmware(self) -> None:
        """After an update over the air: this one works, do not go back at the next reset."""
        try:
            esp32.Partition.mark_app_valid_cancel_rollback()
        except OSError:  # a build without two slots has nothing to go back to
            return

    def light(self, on: bool) -> None:
        """LED on or off; none on a board without."""
        if self._led is None:
            return
        if self.pins.led.kind == boards.RGB:
            machine.bitstream(self._led, 0, RGB_TIMING, RGB_DIM if on else bytes(3))
        else:
            self._led.value(on == (self.pins.led.kind == boards.ACTIVE_HIGH))

    def take_press(self) -> bool:
        """Whether the button was pressed since last asked, or is held (a press in light sleep makes no interrupt)."""
        pressed = self._pressed or (self._button is not None and self._button.value() == 0)
        self._pressed = False
        return pressed

    def battery_microvolts(self) -> int | None:
        """Mean of several readings of the ADC pin, by its factory calibration; None without one."""
        if self._adc is None:
            return None
        total = 0
        for _ in range(ADC_SAMPLES):
            total += self._adc.read_uv()
        return total // ADC_SAMPLES

    def acceleration(self) -> tuple[int, int, int] | None:
        """x, y, z in mg; None without a sensor, or if it does not answer."""
        return None if self._accelerometer is None else self._accelerometer.read()

    def nvs_get(self, name: str) -> bytes | None:
        """A record of NVS, or None."""
        buffer = bytearray(NVS_BYTES)
        try:
            return bytes(buffer[: self._open().get_blob(name, buffer)])
        except OSError:  # not there, or unreadable: both are "none" to the store, which has a second record
            return None

    def nvs_set(self, name: str, value: bytes) -> bool:
        """Write a record through to flash; False if that failed."""
        try:
            self._open().set_blob(name, value)
            self._open().commit()
        except OSError:
            return False
        return True

    def _open(self) -> esp32.NVS:
        if self._nvs is None:
            self._nvs = esp32.NVS(NVS_NAMESPACE)
        return self._nvs

    def _i2c(self) -> machine.I2C:
        wires = self.pins.accelerometer
        return machine.I2C(0, scl=machine.Pin(wires.scl), sda=machine.Pin(wires.sda), freq=400000)

    def _on_press(self, _pin: object) -> None:
        # In an interrupt: no allocation.  The LED answers at once, the air at the next slot.
        self._pressed = True
        self.light(True)


def detect(root: str) -> Board:
    """The board this runs on: what `board.txt` in folder `root` says, else what the build calls itself."""
    pins = None
    try:
        with open(root + "board.txt") as file:
            pins = boards.named(file.read().strip())
    except (OSError, ValueError):
        pins = None
    try:
        return Board(pins or boards.recognised(getattr(sys.implementation, "_machine", "")))
    except (OSError, ValueError):  # a pin that this chip does not have: the wrong row.  Without any it still sends.
        return Board(boards.UNKNOWN)
