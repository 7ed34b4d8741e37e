"""As `heap`, of a tag in a crowd: 30 others in each look, a log of 20 days, a session that fetches, orders and updates.

`micropython -m heap_busy`, in a tag's folder; prints one JSON object.  The other end of the session is in the heap too.
"""

import gc
import json

gc.threshold(4096)  # as firmware/main.py does

import bluetooth
import esp32  # noqa: F401  # the firmware will: now its share is not the firmware's
import machine  # noqa: F401  # the firmware will: now its share is not the firmware's
import world

gc.collect()
before = gc.mem_alloc()

from zonetag_protocol import card as cards
from zonetag_protocol import fragments, frame, link, rotation
from zonetag_protocol import linkmessage as say
from zonetag_tag import app, boards
from zonetag_tag.board import Board
from zonetag_tag.log import Log
from zonetag_tag.radio import Radio

ROOM = 4  # notifications that the stack takes at a time
OTHERS = 30
DAYS = 20

time = world.Time(world.TICKS_PERIOD - 1000000)
radio = Radio()
radio.start()
board = Board(boards.named("esp32-c3-supermini"), time)
with open("card.bin", "rb") as file:
    packed = file.read()
card = cards.unpack(packed)
log = Log(board, "", packed[-4:])
for day in range(DAYS, 0, -1):
    epoch = rotation.epoch_of(card.t0) - 85 * day
    log.append([epoch.to_bytes(3, "big") + bytes(33) for _ in range(16)])
del log
others = [frame.seal(rotation.derive_keys(bytes([n]) * 16), card.t0, 7, company=0xFFFF) for n in range(OTHERS)]
k_link = rotation.derive_keys(card.master).link
notify = bluetooth.BLE.gatts_notify


def narrow(ble, handle, characteristic, part):
    if len(bluetooth.notified) >= ROOM:
        raise OSError(12)
    notify(ble, handle, characteristic, part)


def heard(ms):
    if bluetooth.scanning:
        for n in range(OTHERS):
            bluetooth.hear_advert(others[n], -40 - n)


bluetooth.BLE.gatts_notify = narrow
time.hook = heard
gc.collect()
bench = gc.mem_alloc()  # from here on: the tag, and the other end of its session
tag = app.Tag(board, radio)
tag.boot()


def run(ms):
    end = time.now_ms + ms
    while time.now_ms < end:
        time.sleep_ms(tag.step())


def send(message):
    for part in fragments.split(message, 247):
        bluetooth.write(part)


def take():
    while True:
        while bluetooth.notified:
            message = joiner.take(bluetooth.notified.pop(0))
            if message is not None:
                return end.receive(message)
        run(1)


def order(kind, body=b""):
    send(end.seal(kind, body))
    return say.unpack_done(take().body)[1]


run(2200000)  # two epochs end in it
while not bluetooth.connectable or bluetooth.on_air is None:
    run(1000)
joiner = fragments.Joiner()
end = link.backend_end(k_link, rotation.epoch_of(tag.clock.t), bytes(8))
bluetooth.connect()
radio.mtu = 247
send(end.begin())
take()
status = say.unpack_status(take().body)
number = status.first
while number < status.next:
    send(end.seal(say.FETCH, say.pack_fetch(number, 120)))
    left = 120
    while left:
        first, found = say.unpack_contacts(take().body)
        number = first + len(found)
        left -= len(found)
        if not found:
            break
answers = [order(say.SET_TIME, say.pack_time(status.t, 1790000000))]
answers.append(order(say.SETTINGS, say.pack_settings({say.LOOK_EVERY: 2})))
answers.append(order(say.UPDATE_BEGIN, say.pack_begin(10 * say.PART, bytes(32), (0, 2, 0))))
for part in range(10):
    answers.append(order(say.UPDATE_PART, say.pack_part(part * say.PART, bytes(say.PART))))
answers.append(order(say.ACKNOWLEDGE, say.pack_acknowledge(status.log, number - 1)))
send(end.seal(say.BYE))
run(100000)
gc.collect()
told = {"before": before, "bench": bench, "records": number - status.first, "refused": sum(answers)}
told["crashes"] = tag.health.counters.counts["crash"]
print(json.dumps(dict(told, used=gc.mem_alloc() - before, whole=gc.mem_alloc() + gc.mem_free())))
