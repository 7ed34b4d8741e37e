"""The MPU6886 accelerometer (InvenSense; M5StickC Plus 2) on a given I2C bus.  Registers: its datasheet, section 9."""

ADDRESS = 0x68
POWER = 0x6B  # PWR_MGMT_1: 0x00 wakes it
CYCLE = 0x20  # PWR_MGMT_1: accelerometer only, sleeping between samples
RANGE = 0x1C  # ACCEL_CONFIG: 0x00 is +-2 g
OUT = 0x3B  # ACCEL_XOUT_H: x, y, z, each 16 bits big endian, signed
PER_G = 16384  # steps at +-2 g
MG = 1000


class Bus:
    """What is wanted of an I2C bus; `machine.I2C` has it."""

    def writeto_mem(self, address: int, register: int, data: bytes) -> None:
        """Write a register; OSError if nobody answers."""
        raise NotImplementedError

    def readfrom_mem_into(self, address: int, register: int, buffer: bytearray) -> None:
        """Read registers into all of `buffer`; OSError if nobody answers."""
        raise NotImplementedError


class Sensor:
    """One sensor; a bus error makes every reading None."""

    def __init__(self, i2c: Bus) -> None:
        self._i2c = i2c
        self._buffer = bytearray(6)
        self._awake = False

    def read(self) -> tuple[int, int, int] | None:
        """x, y, z in mg, or None if the sensor does not answer."""
        try:
            if not self._awake:
                self._i2c.writeto_mem(ADDRESS, POWER, bytes([CYCLE]))
                self._i2c.writeto_mem(ADDRESS, RANGE, b"\x00")
                self._awake = True
            self._i2c.readfrom_mem_into(ADDRESS, OUT, self._buffer)
        except OSError:
            self._awake = False
            return None
        return self._axis(0), self._axis(2), self._axis(4)

    def _axis(self, at: int) -> int:
        raw = self._buffer[at] << 8 | self._buffer[at + 1]
        return (raw - 65536 if raw > 32767 else raw) * MG // PER_G
