"""What the stand-ins share: the state of the world around the tag, and its time.

`Time` is handed to `Board(clock=...)`, the seam that the firmware itself has for the millisecond counter.
"""

TICKS_PERIOD = 1 << 30


class PowerCut(BaseException):
    """The supply went away; no handler of the firmware may catch this."""


class Time:
    """Virtual milliseconds: sleeping is what makes them pass.  `ticks_ms` wraps as on the ESP32.

    It has no `time()`: firmware that asks for it fails, as it should (whole seconds since 2000, lost at each reset).
    """

    def __init__(self, ticks=0, until_ms=0):
        self.now_ms = 0  # since the start of this boot
        self.until_ms = until_ms
        self.hook = None  # called with the time after each sleep
        self._first = ticks

    def ticks_ms(self):
        return (self._first + self.now_ms) % TICKS_PERIOD

    def sleep_ms(self, ms):
        self.now_ms += ms
        if self.hook is not None:
            self.hook(self.now_ms)


pins = {}
levels = []  # last levels given to pins: (pin, level)
battery_uv = 2000000  # at the ADC pin
acceleration = (0, 0, 1000)  # mg; None: the sensor does not answer
watchdog_ms = 0
fed = 0
hertz = 0
reset_cause = 1
reset_reason = 1  # as the ESP-IDF tells it, on our own builds
slept = 0  # sleeps of our own builds
light_sleep = 0  # MHz, once it is allowed
nvs_folder = "."
nvs_writes = 0
nvs_torn_at = 0  # the number of the write that is cut; 0 never
nvs_fails = False
confirmed = 0
