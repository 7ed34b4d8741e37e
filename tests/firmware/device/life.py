"""One life of a tag, from switching on to the end of the supply: the firmware itself, in a world of settings.

The settings are one JSON object in the file that is the argument; `tests/rig/tag_bench.py` documents each.  What
the firmware says on its serial line goes to standard output, and so does, last, one object with what became of it.
"""

import gc
import json
import sys

gc.threshold(4096)  # as firmware/main.py does

import bluetooth
import flash
import world

from zonetag_tag import app, boards
from zonetag_tag.board import Board
from zonetag_tag.radio import Radio

with open(sys.argv[1]) as settings:
    SETTINGS = json.load(settings)


def setting(name, default=None):
    return SETTINGS.get(name, default)


class Unchecked(Radio):
    """A control: believes that the address changed."""

    def changed(self, before):
        return True


class Hasty(Radio):
    """A control: leaves advertising on while it asks for a new address."""

    def _silence(self):
        self._ble.gap_scan(None)


class Recorder:
    """Writes each frame put on the air: 4 bytes second of this life, 7 address, 4 interval us, 31 payload."""

    def __init__(self, path, time):
        self._file = open(path, "ab")
        self._time = time
        self.frames = 0
        self.adverts = {}

    def __call__(self, on_air):
        (kind, address), payload, us = on_air
        self.frames += 1
        now = self._time.now_ms // 1000
        self._file.write(now.to_bytes(4, "little") + bytes([kind]) + address + us.to_bytes(4, "little") + payload)

    def close(self):
        self._file.close()


def make_time():
    if setting("air"):
        import air_time

        return air_time.Time(setting("air")["time"])
    return world.Time(setting("ticks", 0))


def prepare():
    """The world as this life finds it; the folder of the firmware's files."""
    world.nvs_folder = setting("nvs", ".")
    world.nvs_torn_at = setting("nvs_torn_at", 0)
    world.nvs_fails = setting("nvs_fails", False)
    world.reset_cause = setting("reset_cause", 1)
    world.reset_reason = setting("power", {}).get("reset_reason", 1)
    world.battery_uv = setting("battery_uv", 2000000)
    if setting("acceleration_fails", False):
        world.acceleration = None
    root = ""
    if setting("chip"):
        chip = flash.mount(setting("chip"), setting("blocks", 32), setting("cut_at", 0))
        root = flash.PLACE + "/"
        if setting("card"):
            with open(setting("card"), "rb") as card, open(root + "card.bin", "wb") as file:
                file.write(card.read())
        if setting("fill"):
            flash.fill()
        return root, chip
    if setting("refusing"):
        flash.mount_refusing(setting("refusing"), setting("truncates", False))
        root = flash.PLACE + "/"
    return root, None


def events(time, tag):
    """Things that happen at a second of this life: [second, name, value], in order."""
    queue = list(setting("events", []))

    def happen(now_ms):
        while queue and queue[0][0] * 1000 <= now_ms:
            _, name, value = queue.pop(0)
            if name == "press":
                world.pins[value].press()
            elif name == "confirm":
                tag.confirm(value)
            elif name in ("refuse", "advertise_fails"):
                setattr(bluetooth, name, value)
            else:
                setattr(world, name, value)

    time.hook = happen


def main():
    time = make_time()
    kind = {"unchecked": Unchecked, "hasty": Hasty}.get(setting("control"), Radio)
    radio = kind()
    radio.start()
    root, chip = prepare()
    board = Board(boards.named(setting("board", "esp32-c3-supermini")) or boards.UNKNOWN, time)
    board.save_power()
    tag = app.Tag(board, radio, root)
    recorder = None
    if setting("record"):
        recorder = bluetooth.hear = Recorder(setting("record"), time)
    events(time, tag)
    end = setting("seconds", 60) * 1000
    ended = "time"
    hour = 3600000
    memory = [0] * (end // hour if setting("memory") else 0)  # made now, lest its own growth is measured
    hours = 0
    steps = 0
    try:
        tag.boot()
        while time.now_ms < end:
            time.sleep_ms(tag.step())
            steps += 1
            if setting("memory") and time.now_ms // hour > hours:
                gc.collect()
                memory[hours] = gc.mem_alloc()
                hours += 1
    except world.PowerCut:
        ended = "power cut"
    except Exception as error:
        tag.crashed(error)
        ended = type(error).__name__
    if recorder:
        recorder.close()
    on_air = getattr(bluetooth, "on_air", None)
    print(
        json.dumps(
            {
                "ended": ended,
                "second": time.now_ms // 1000,
                "steps": steps,
                "memory": memory,
                "heap": gc.mem_alloc() + gc.mem_free(),
                "nvs_writes": world.nvs_writes,
                "levels": world.levels,
                "fed": world.fed,
                "watchdog_ms": world.watchdog_ms,
                "mhz": world.hertz // 1000000,
                "confirmed": world.confirmed,
                "light_sleep": world.light_sleep,
                "erases": chip.erases if chip else 0,
                "writes": chip.writes if chip else 0,
                "on_air": on_air is not None,
                "t": tag.clock.t,
                "counts": tag.health.counters.counts,
                "log": tag.health.log(),
                "code": tag.health.code.name if tag.health.code else "dark",
            }
        )
    )


main()
