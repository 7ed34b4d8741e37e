"""The tag's firmware in the heap of 32-bit MicroPython: what stays in use, hour by hour, and the least it runs in.

References: the budget of 110 KB, and the same firmware as .py files in the same interpreter.  The stand-ins for the
hardware are in the heap too; "in use" is told without them, "the least heap" with them.
"""

import json
import tempfile
from pathlib import Path

from measure import show
from rig.micropython import Micropython, obtain
from rig.tag_bench import DEVICE, ROOT, TagBench, compiled

BUDGET = 110 * 1024  # what is left of an ESP32's 134 KB once its radio is up
DAY_H = 24
STEP = 1024
MOST = 256 * 1024


class Trial:
    """The firmware, found on `path`, in heaps of any size."""

    def __init__(self, micropython: Micropython, path: list[Path], folder: Path) -> None:
        self._micropython = micropython
        self._path = path
        bench = TagBench(micropython, folder, folder)
        bench.give_card()
        self._files = bench.card_file.parent

    def run(self, heap: int, hours: int) -> dict[str, list[int]] | None:
        """The figures of `heap.py`, or None if the heap is too small."""
        done = self._micropython.run(
            "-m", "heap", str(hours), heap=str(heap), path=self._path, cwd=self._files, env={"LC_ALL": "C"}
        )
        lines = done.stdout.splitlines()
        return None if done.returncode else dict(json.loads(lines[-1]))

    def least(self) -> int:
        """The smallest heap, to 1 KB, in which it boots and runs for an hour."""
        low, high = 0, MOST
        while high - low > STEP:
            middle = (low + high) // 2 // STEP * STEP
            low, high = (low, middle) if self.run(middle, 1) else (middle, high)
        return high


def main() -> None:
    """Print the figures."""
    micropython = obtain()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        mpy = Trial(micropython, [compiled(micropython, place / "mpy")], place / "a")
        py = Trial(micropython, [ROOT / "protocol", ROOT / "firmware", DEVICE], place / "b")
        day = mpy.run(BUDGET, DAY_H)
        if day is None:
            raise SystemExit("the firmware does not run for a day in 110 KB")
        stand_ins, hours = int(str(day["before"])), day["hours"]
        size = sum(path.stat().st_size for path in (place / "mpy" / "zonetag_tag").glob("*.mpy"))
        show(
            "firmware: bytes in use after a simulated day", hours[-1] - stand_ins, "bytes", "the 110 KB budget", BUDGET
        )
        show("firmware: growth from the first hour to the last", hours[-1] - hours[0], "bytes")
        show("firmware: its .mpy files", size, "bytes")
        show("firmware: the least heap it runs in", mpy.least(), "bytes", "the same as .py files", py.least())


if __name__ == "__main__":
    main()
