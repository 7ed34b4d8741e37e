"""A source that runs faster than life brings minutes of adverts between two calls of `close`."""

import pytest
from rig.tags import Tag

from zonetag_gateway.room import MAX_OF_ONE
from zonetag_gateway.sightings import Folder

T0 = 1_790_000_000
SLOT_S = 4


def dropped(folder: Folder, slots: int) -> int:
    """Adverts dropped when a tag that is known already is heard for so many slots with no call of `close` between."""
    tag = Tag(1)
    for second in range(SLOT_S * (1 + slots)):
        folder.hear(tag.advert(T0 + second), -60, float(second))
        if second == SLOT_S:
            folder.close(float(second))
    folder.close(1000.0)
    tallies = folder.take_tallies()
    assert tallies["adverts"] == SLOT_S * (1 + slots)
    return tallies.get("dropped.flood", 0)


@pytest.mark.parametrize("slots", [1, MAX_OF_ONE, MAX_OF_ONE + 1, 10 * MAX_OF_ONE])
def test_one_tag_played_fast_is_not_taken_for_a_flood(slots: int) -> None:
    assert dropped(Folder(), slots) == 0


def test_the_control_a_folder_that_waits_for_close_drops() -> None:
    class Waiting(Folder):
        def _end_due(self, now: float) -> None:
            if now >= 1000 or now == SLOT_S:
                super()._end_due(now)

    assert dropped(Waiting(), 10 * MAX_OF_ONE) > 0


def test_many_authenticators_at_once_still_are() -> None:
    folder, frame = Folder(), Tag(1).advert(T0)
    for number in range(3 * MAX_OF_ONE):
        for _ in range(2):
            folder.hear(frame[:-2] + number.to_bytes(2, "big"), -60, 1.0)
        folder.close(1.0 + number / 100)
    assert folder.take_tallies()["dropped.flood"] > 0
