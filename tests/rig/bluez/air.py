"""The virtual air: sends for every device at its own times, to every chip, and remembers what was sent."""

import asyncio
import heapq
import random
from collections.abc import Iterable, Sequence

from rig.bluez.controller import Chip, Sent
from rig.bluez.devices import Device

DELAY_S = 0.010  # a random delay of up to 10 ms between two adverts (Core 5.4, volume 6, part B, 4.4.2.2.1)
SEED = 1


class Air:
    """`devices` on the air, from `run` on; `sent[i]` is what device i has sent so far."""

    def __init__(self, devices: Iterable[Device], chips: Sequence[Chip] = ()) -> None:
        self.devices = list(devices)
        self.chips = list(chips)
        self.sent: list[list[Sent]] = [[] for _ in self.devices]
        self.heard = [0] * len(self.devices)
        # how many adverts of each device reached at least one host
        self.begin = 0.0
        # seconds on the event loop's clock: second 0 of every device

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        chance = random.Random(SEED)
        begin = self.begin = loop.time()
        due = [(begin + chance.random() * device.interval_s, index) for index, device in enumerate(self.devices)]
        heapq.heapify(due)
        while due:
            await asyncio.sleep(max(0.0, due[0][0] - loop.time()))
            now = loop.time()
            while due[0][0] <= now:
                when, index = due[0]
                self._send(index, now, now - begin)
                following = when + self.devices[index].interval_s + chance.random() * DELAY_S
                # Where this computer is too slow adverts are left out, never sent in a burst.
                heapq.heapreplace(due, (max(following, now), index))

    def _send(self, index: int, now: float, t: float) -> None:
        device = self.devices[index]
        number = len(self.sent[index])
        advert = device.advert(number, t)
        sent = Sent(now, advert.address, advert.data, device.rssi(number), advert.kind)
        self.sent[index].append(sent)
        told = [chip.hear(sent) for chip in self.chips]
        self.heard[index] += any(told)
