"""What a server holds from its start on is not looked through again and again."""

import gc

from zonetag_backend import memory


def test_what_is_there_at_the_start_is_looked_through_no_more_and_the_rest_is() -> None:
    threshold = gc.get_threshold()
    try:
        memory.settle()
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects()) < gc.get_freeze_count() / 10
        assert gc.get_threshold()[0] == memory.NEW
        new: list[object] = []
        new.append(new)
        del new
        assert gc.collect() >= 1  # control: what is made afterwards and let go is found
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)
