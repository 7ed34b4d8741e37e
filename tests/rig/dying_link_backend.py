"""A backend that is killed with SIGKILL when it would say its n-th message of a session to a tag: after the commit.

Arguments: data folder, broker URL, n, and the file that holds its clock, UTC ms.  Run as a process of its own.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from zonetag_backend.config import load
from zonetag_backend.events import Events
from zonetag_backend.ingest import Ingest
from zonetag_backend.keyfile import open_key_file
from zonetag_backend.mqtt import Link
from zonetag_backend.signingkey import open_signing_key
from zonetag_backend.store.engine import open_database
from zonetag_backend.store.link_desk import Desk
from zonetag_backend.store.writer import Writer
from zonetag_backend.subscriber import Subscriber
from zonetag_protocol import carriage, envelope, topics


class Dying(Link):
    """A link that kills its process instead of sending that message."""

    number = 0

    def publish(self, topic: str, payload: bytes) -> bool:
        if topics.parse(topic).leaf == topics.DOWNLINK:
            down = carriage.decode_down(envelope.unwrap(payload, topics.DOWNLINK))
            if down.number == self.number:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().publish(topic, payload)


def main() -> None:
    folder, broker, number, clock = sys.argv[1:]
    config = load(None, {"data": folder, "broker.url": broker})
    ingest = Ingest(open_key_file(config.key_file, may_create=False).open, config.search_epochs, 300_000)
    writer = Writer(open_database(config.database), ingest, allow_unsigned=True, desk=Desk(ingest, 60))
    signing = open_signing_key(config.signing_key_file)
    subscriber = Subscriber(writer, Events(), lambda: int(Path(clock).read_text()), config.queue, signing)
    link = Dying(config.broker, config.queue, subscriber.put)
    link.number = int(number)
    subscriber.start(link)
    link.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
