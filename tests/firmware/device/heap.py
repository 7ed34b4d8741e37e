"""What the firmware takes of the heap: bytes in use before it, after its import, and at each of so many hours.

`micropython -m heap HOURS`, in a tag's folder; prints one JSON object.  As lean as it can be: all that is in the heap
beside the firmware are the stand-ins, whose share is told.
"""

import gc
import json
import sys

gc.threshold(4096)  # as firmware/main.py does

import bluetooth  # noqa: F401  # the firmware will: now its share is not the firmware's
import esp32  # noqa: F401  # the firmware will: now its share is not the firmware's
import machine  # noqa: F401  # the firmware will: now its share is not the firmware's
import world

HOURS = int(sys.argv[1])
hours = [0] * HOURS  # made now, lest its own growth is measured
gc.collect()
before = gc.mem_alloc()

from zonetag_tag import app, boards
from zonetag_tag.board import Board
from zonetag_tag.radio import Radio

gc.collect()
imported = gc.mem_alloc()

time = world.Time(world.TICKS_PERIOD - 1000000)
radio = Radio()
radio.start()
tag = app.Tag(Board(boards.named("esp32-c3-supermini"), time), radio)
tag.boot()
for hour in range(HOURS):
    while time.now_ms < (hour + 1) * 3600000:
        time.sleep_ms(tag.step())
    gc.collect()
    hours[hour] = gc.mem_alloc()
print(json.dumps({"before": before, "imported": imported, "hours": hours, "whole": gc.mem_alloc() + gc.mem_free()}))
