"""A hundred tags whose contact logs are fetched: how long they wait, who is reached where, how deaf the gateways are.

Simulated with the backend's and the gateway's own decisions and the sizes of real messages; what is made up stands in
tests/rig/crowd.py.  `morning`: within half an hour all come in through one door, where each is heard for so many
seconds, and sit down in three rooms; each log holds two hours of an office (120 records).  `hall`: all sit at one
gateway for two hours, each logs a record a minute.  `connections` is `link.connections`, `every` is `link.every_s`.
"""

import statistics

from measure import show
from rig.crowd import Crowd, morning, seated, session_s

HOUR_S = 3600.0


def main() -> None:
    for records in (0, 16, 120, 240):
        show(f"a session of {records} records, connected", session_s(records)[0] * 1000, "ms")
    for door_s, connections in ((20.0, 1), (20.0, 4), (60.0, 1), (60.0, 4)):
        wearers = morning(door_s=door_s)
        crowd = Crowd(wearers, connections)
        crowd.run(HOUR_S)
        waits = sorted(each.fetched[0] - each.stays[0].begin for each in wearers if each.fetched)
        name = f"morning, {door_s:.0f} s at the door, connections {connections}"
        show(f"{name}: fetched", len(waits), "of 100")
        show(f"{name}: first at the door", sum(each.at[:1] == ["door"] for each in wearers), "of 100")
        show(f"{name}: went on elsewhere", sum(len(set(each.at)) > 1 for each in wearers), "of 100")
        show(f"{name}: until fetched, median", statistics.median(waits), "s")
        show(f"{name}: until fetched, the last", waits[-1], "s")
        show(f"{name}: door deaf", 100 * crowd.deaf("door", HOUR_S / 2), "% of the time")
    for every_s, connections in ((900, 1), (900, 4), (3600, 1), (3600, 4)):
        wearers = seated()
        crowd = Crowd(wearers, connections, every_s)
        crowd.run(2 * HOUR_S, grow_s=64.0)
        gaps = [
            after - before for each in wearers for before, after in zip(each.fetched, each.fetched[1:], strict=False)
        ]
        name = f"hall, every {every_s}, connections {connections}"
        show(f"{name}: from fetch to fetch, median", statistics.median(gaps), "s")
        show(f"{name}: from fetch to fetch, longest", max(gaps), "s")
        show(f"{name}: hall deaf", 100 * crowd.deaf("hall", 2 * HOUR_S), "% of the time")


if __name__ == "__main__":
    main()
