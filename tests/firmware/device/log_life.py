"""The contact log on littlefs on a flash chip, and what becomes of it: `micropython -m log_life NAME`; one JSON object.

cuts: the power goes at each write to flash or NVS in turn, and the next start must find what was promised.
torn: a file system that tears: the newest segment is cut at each length.
days: so many days of batches, counted.
full: a chip with too little room.
"""

import json
import os
import sys

import flash
import vfs
import world

from zonetag_tag.log import Log

OWNER = b"card"
CHIP = "log.chip"
EPOCH = 1700000


class Board:
    """NVS in memory; the write numbered `cut_at` is the last."""

    def __init__(self):
        self.nvs = {}
        self.writes = 0
        self.cut_at = 0
        self.made = 0

    def nvs_get(self, name):
        return self.nvs.get(name)

    def nvs_set(self, name, value):
        self.writes += 1
        if self.writes == self.cut_at:
            raise world.PowerCut()
        self.nvs[name] = value
        return True

    def random_bytes(self, count):
        self.made += 1
        return self.made.to_bytes(count, "big")


def record(epoch, number):
    return epoch.to_bytes(3, "big") + bytes([number & 255]) * 33


def fresh():
    if CHIP in os.listdir():
        os.remove(CHIP)


def mounted(blocks, cut_at=0):
    return flash.mount(CHIP, blocks, cut_at)


def root():
    return flash.PLACE + "/"


def content(log):
    """All that can be read, by number."""
    out = {}
    number = log.first
    while True:
        number, found = log.read(number, 7)
        if not found:
            return out
        for one in found:
            out[number] = one
            number += 1


class Story:
    """Appends and acknowledgements, and what the log has promised so far."""

    def __init__(self, board):
        self.board = board
        self.promised = {}  # (log, number) -> record
        self.acknowledged = {}  # log -> number
        self.asked = 0  # the last number that was to be acknowledged

    def play(self):
        log = Log(self.board, root(), OWNER)
        for step in range(8):
            # A day between each two: a segment of its own now and then.
            batch = [record(EPOCH + 50 * step, i) for i in range(3 + step)]
            first = log.next
            if log.append(batch):
                for i in range(len(batch)):
                    key = (log.log, first + i)
                    if self.promised.get(key, batch[i]) != batch[i]:
                        raise ValueError("a number was used twice")
                    self.promised[key] = batch[i]
            if step % 3 == 2:
                through = self.asked = log.next - 3
                if log.acknowledge(through):
                    self.acknowledged[log.log] = through

    def check(self):
        log = Log(self.board, root(), OWNER)
        there = content(log)
        for (name, number), one in self.promised.items():
            if number <= self.acknowledged.get(name, 0):
                continue
            if name != log.log:
                raise ValueError("the log was given up with record %d in it" % number)
            # The cut may have come when the log had written an acknowledgement down and not said so yet.
            if number >= log.first and there.get(number) != one:
                raise ValueError("record %d is lost or changed" % number)
        if log.first > max(self.acknowledged.get(log.log, 0), self.asked) + 1:
            raise ValueError("more is gone than was acknowledged")
        for number in there:
            if number < log.first or number >= log.next:
                raise ValueError("a number outside")


def cuts():
    flash_cuts = nvs_cuts = 0
    for kind in ("flash", "nvs"):
        at = 1
        while True:
            fresh()
            board = Board()
            story = Story(board)
            mounted(32)
            story.play()  # a life before
            vfs.umount(flash.PLACE)
            if kind == "nvs":
                board.cut_at = board.writes + at
            mounted(32, at if kind == "flash" else 0)
            try:
                story.play()
                cut = False
            except world.PowerCut:
                cut = True
            vfs.umount(flash.PLACE)
            board.cut_at = 0
            mounted(32)
            story.check()
            story.play()  # and it goes on
            story.check()
            vfs.umount(flash.PLACE)
            if not cut:
                break
            if kind == "flash":
                flash_cuts += 1
            else:
                nvs_cuts += 1
            at += 1
    return {"flash": flash_cuts, "nvs": nvs_cuts}


def torn():
    """On a file system without littlefs's promises: the host's own."""
    folder = "torn"
    os.mkdir(folder)
    board = Board()
    log = Log(board, folder + "/", OWNER)
    log.append([record(EPOCH, i) for i in range(4)])
    log.append([record(EPOCH + 1, i) for i in range(3)])
    (name,) = os.listdir(folder + "/contacts")
    path = folder + "/contacts/" + name
    with open(path, "rb") as file:
        whole = file.read()
    tried = 0
    for length in range(4 * 40, 7 * 40):
        with open(path, "wb") as file:
            file.write(whole[:length])
        log = Log(board, folder + "/", OWNER)
        kept = length // 40
        used = (length + 39) // 40
        if log.next != used + 1:
            raise ValueError("number %d is next after %d bytes" % (log.next, length))
        new = record(EPOCH + 2, 99)
        if not log.append([new]):
            raise ValueError("not appended")
        log = Log(board, folder + "/", OWNER)
        there = content(log)
        expected = list(range(1, kept + 1))
        expected.append(used + 1)
        if sorted(there) != expected or there[used + 1] != new:
            raise ValueError("after %d bytes: %r" % (length, sorted(there)))
        for one in os.listdir(folder + "/contacts"):
            os.remove(folder + "/contacts/" + one)
        tried += 1
    for bit in range(0, 40 * 8, 7):
        spoiled = bytearray(whole)
        spoiled[80 + bit // 8] ^= 1 << bit % 8
        with open(path, "wb") as file:
            file.write(spoiled)
        there = content(Log(board, folder + "/", OWNER))
        if sorted(there) != [1, 2, 4, 5, 6, 7]:
            raise ValueError("a changed record is there: %r" % sorted(there))
        tried += 1
    with open(path, "wb") as file:
        file.write(whole[40:] + whole[:40])
    if content(Log(board, folder + "/", OWNER)):
        raise ValueError("records are read under other numbers")
    with open(path, "wb") as file:
        file.write(whole)
    if content(Log(board, folder + "/", b"another card")):
        raise ValueError("another card's log is read")
    return {"tried": tried}


def days(count, acknowledging, each):
    fresh()
    board = Board()
    chip = mounted(240)
    log = Log(board, root(), OWNER)
    begun = chip.erases
    most = 0
    for epoch in range(0, count * 84, each):
        log.append([record(EPOCH + epoch, i) for i in range(7 * each)])
        if acknowledging and epoch % 28 == 27:
            log.acknowledge(log.next - 1)
        most = max(most, len(os.listdir(root() + "contacts")))
    held = log.next - log.first
    again = Log(board, root(), OWNER)
    oldest = int.from_bytes(again.read(1, 1)[1][0][:3], "big") if again.waiting() else None
    return {
        "erases": chip.erases - begun,
        "held": held,
        "next": log.next,
        "same": (again.first, again.next) == (log.first, log.next),
        "age": None if oldest is None else EPOCH + count * 84 - oldest,
        "files": most,
        "nvs": board.writes,
    }


def full():
    fresh()
    board = Board()
    mounted(40)  # 160 KB, of which 64 are left to others
    log = Log(board, root(), OWNER)
    took = []
    for epoch in range(200):
        took.append(log.append([record(EPOCH + epoch, i) for i in range(16)]))
    again = Log(board, root(), OWNER)
    there = content(again)
    last = sorted(there)[-1]
    return {"took": all(took), "first": again.first, "next": again.next, "held": len(there), "last": last}


name = sys.argv[1]
if name == "days":
    print(json.dumps(days(int(sys.argv[2]), sys.argv[3] == "yes", int(sys.argv[4]))))
else:
    print(json.dumps({"cuts": cuts, "torn": torn, "full": full}[name]()))
