"""What MicroPython starts on the tag."""

import gc

# Imports of .mpy files leave garbage between what stays.  Collected after each 4 KB, the heap stays whole: without this
# line the firmware wants 68 KB, with it 60.
gc.threshold(4096)  # type: ignore[attr-defined]  # MicroPython's

from zonetag_tag.app import run  # noqa: E402  # after the threshold, which is for it

run()
