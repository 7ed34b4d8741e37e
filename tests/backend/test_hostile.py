"""What others put before the server: a key file that is not its own, topics that would write into its log."""

import asyncio
import threading
from pathlib import Path

import pytest
from rig.registry import Office

from zonetag_backend.app import Backend
from zonetag_backend.clock import utc_ms
from zonetag_backend.config import load
from zonetag_backend.errors import KeyFileError
from zonetag_backend.events import Events
from zonetag_backend.keyfile import open_key_file
from zonetag_backend.mqtt import Incoming
from zonetag_backend.subscriber import Subscriber

LIMIT_S = 60.0


def test_a_key_file_of_other_tags_is_told_at_the_start(office: Office, tmp_path: Path) -> None:
    office.add_tag("A-1")
    open_key_file(tmp_path / "other.key")
    settings = {"data": str(office.folder), "key_file": str(tmp_path / "other.key"), "http.port": 0}

    async def run() -> None:
        with pytest.raises(KeyFileError):
            async with Backend(load(None, settings), utc_ms):
                raise AssertionError

    asyncio.run(run())


class Silent:
    """A way back on which nothing is said."""

    def __init__(self) -> None:
        self.worked_on = threading.Event()

    def publish(self, topic: str, payload: bytes) -> bool:
        return True

    def done(self, message: Incoming) -> None:
        self.worked_on.set()


def test_a_topic_cannot_write_into_the_log(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    subscriber, back = Subscriber(office.writer(), Events(), utc_ms, 16), Silent()
    subscriber.start(back)
    subscriber.put(Incoming("zonetag/v1/\x1b[2J\nERROR all is lost/gw1/report", b"", 1, 1, 1))
    assert back.worked_on.wait(LIMIT_S)
    subscriber.stop()
    [record] = caplog.records
    assert record.getMessage().isprintable()
