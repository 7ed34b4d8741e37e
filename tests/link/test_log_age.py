"""What a tag's contact log forgets by age and by number, on 32-bit MicroPython (tests/firmware has its other laws)."""

from pathlib import Path

from rig.micropython import Micropython

LIFE = """
import os
from zonetag_tag import log as module

EPOCH = 1700000


class Board:
    def __init__(self):
        self.nvs = {}
        self.full = False
        self.drawn = 0

    def nvs_get(self, name):
        return self.nvs.get(name)

    def nvs_set(self, name, value):
        if not self.full:
            self.nvs[name] = value
        return not self.full

    def random_bytes(self, count):
        self.drawn += 1
        return self.drawn.to_bytes(count, "big")


def opened():
    return module.Log(board, "", b"card")


def batch(epoch, count):
    return [epoch.to_bytes(3, "big") + bytes([number]) * 33 for number in range(count)]


board = Board()
kept = opened()
"""

FORGETS = """
for day in range(3):
    kept.append(batch(EPOCH + 90 * day, 5))
kept.expire(EPOCH + module.KEPT_EPOCHS)
print(kept.first, kept.next)
kept.expire(EPOCH + module.KEPT_EPOCHS + 1)
print(kept.first, kept.next)
board.full = True
kept.expire(EPOCH + 9999)
print(kept.first, kept.next, "not without a note of it")
board.full = False
kept.expire(EPOCH + 9999)
print(kept.waiting(), os.listdir("contacts"))
kept.append(batch(EPOCH + 9999, 1))
print(kept.read(1, 9) == (16, batch(EPOCH + 9999, 1)))
again = opened()
print(again.log == kept.log, again.first, again.next)
again.expire(EPOCH + 19999)
print(opened().log == kept.log, opened().next)
"""

MOST = """
module.MOST, module.SEGMENT = 64, 16
most = 0
for number in range(20):
    kept.append(batch(EPOCH + number, 8))
    most = max(most, kept.next - kept.first)
print(most, kept.first, kept.next, kept.read(1, 1) == (97, batch(EPOCH + 12, 1)))
"""


def played(micropython: Micropython, firmware: Path, folder: Path, story: str) -> list[str]:
    done = micropython.run("-c", LIFE + story, heap="110K", path=[firmware], cwd=folder)
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()


def test_a_tag_that_hears_nobody_forgets_too(micropython: Micropython, firmware: Path, tmp_path: Path) -> None:
    """A number is used once all the same; a log of nothing begins anew, under another name."""
    assert played(micropython, firmware, tmp_path, FORGETS) == [
        "1 16",
        "6 16",
        "11 16 not without a note of it",
        "False []",
        "True",
        "True 16 17",
        "False 1",
    ]


def test_over_so_many_records_the_oldest_go(micropython: Micropython, firmware: Path, tmp_path: Path) -> None:
    assert played(micropython, firmware, tmp_path, MOST) == ["64 97 161 True"]
