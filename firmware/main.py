"""What MicroPython starts on the tag: which firmware (`zonetag_tag/update.py` has the table), and that one."""

import gc
import os
import sys

SLOT_FILE = "slot.txt"


def chosen() -> str:
    """The folder of modules that goes before the built-in ones, or ""."""
    try:
        with open(SLOT_FILE) as file:
            words = file.read().split()
        slot = words[0]
        if words[1] == "trial":
            left = int(words[2])
            if left > 0:
                words[2] = str(left - 1)
            else:
                slot = words[3]
                words = [slot, "back"]
            with open("slot.new", "w") as file:
                file.write(" ".join(words))
            os.rename("slot.new", SLOT_FILE)
    except (OSError, ValueError, IndexError):  # none, or no sense in it: the built-in one always works
        return ""
    return "slots/" + slot if slot in ("a", "b") else ""


# Imports of .mpy files leave garbage between what stays.  Collected after each 4 KB, the heap stays whole.
gc.threshold(4096)  # type: ignore[attr-defined]  # MicroPython's
folder = chosen()
if folder:
    sys.path.insert(0, folder)

from zonetag_tag.app import run  # noqa: E402  # after the threshold and the path, which are for it

run()
