"""What an ESP32 does after a reset, on this machine's MicroPython: mount the flash, run its main.py.

Arguments: the file system image, its blocks of 4096 bytes.  The stand-ins for `machine`, `esp32` and `bluetooth` come
from the path; the program and the card come from the image alone.
"""

import os
import sys

import bluetooth  # noqa: F401  # so that the firmware finds it once the path is that of the tag
import esp32  # noqa: F401  # likewise
import flash
import machine
import world

STEPS = 5  # then the supply ends

flash.mount(sys.argv[1], int(sys.argv[2]))
os.chdir(flash.PLACE)
sys.path[:] = [flash.PLACE + "/lib"]  # as the ESP32 port has it; the stand-ins are imported already


class Watchdog(machine.WDT):
    def feed(self):
        super().feed()
        if world.fed >= STEPS:
            raise world.PowerCut()


machine.WDT = Watchdog
try:
    with open("main.py") as program:
        exec(program.read(), {"__name__": "__main__"})
except world.PowerCut:
    print("zonetag_tag from", sys.modules["zonetag_tag"].__path__)
