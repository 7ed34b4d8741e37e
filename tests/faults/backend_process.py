"""The real `zonetag serve`, killed where a test wants it.

    backend_process.py VARIANT DIE_AT -- serve --config FILE ...

DIE_AT n above 0: SIGKILL at the n-th acknowledgement, after its commit and before anybody is told.
VARIANT "real" is the product; "hasty" the control: it acknowledges before it commits, and n then falls in between.
"""

import os
import signal
import sys
from collections.abc import Sequence

from zonetag_backend import app, cli, mqtt
from zonetag_backend.mqtt import Incoming, Link
from zonetag_backend.store.came import ReportCame
from zonetag_backend.subscriber import Subscriber, read
from zonetag_protocol import acknowledgement, envelope, topics
from zonetag_protocol.acknowledgement import Acknowledgement
from zonetag_protocol.errors import ZonetagError


class Dying(Link):
    """Ends its process instead of sending an acknowledgement."""

    left = 0

    def publish(self, topic: str, payload: bytes) -> bool:
        if Dying.left and topic.endswith("/" + topics.ACK):
            Dying.left -= 1
            if not Dying.left:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().publish(topic, payload)


class Hasty(Subscriber):
    """Control: tells the gateways before it writes, and then often dies."""

    left = 0

    def _work(self, group: Sequence[Incoming]) -> None:
        told = 0
        for message in group:
            try:
                came = read(message.topic, message.payload)
            except ZonetagError:
                continue
            if isinstance(came, ReportCame):
                ack = Acknowledgement(came.report.gateway, came.report.boot, 0, (came.report.seq,))
                payload = envelope.wrap(acknowledgement.encode(ack), topics.ACK, self._key)
                told += self._back.publish(topics.topic(came.site, came.report.gateway, topics.ACK), payload)
            self._back.done(message)
        if told and Hasty.left:
            Hasty.left -= 1
            if not Hasty.left:
                self._flush_and_die()
        super()._work(group)

    def _flush_and_die(self) -> None:
        # What was said shall get out, as it would from a program that is killed a moment later.
        self._stopping.wait(0.3)
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    variant, die_at, _, *command = sys.argv[1:]
    mqtt.BACK_OFF_S = (0.1, 0.5)  # a test of a thousand kills cannot sit through longer waits
    if variant == "hasty":
        Hasty.left = int(die_at)
        vars(app)["Subscriber"] = Hasty  # the control
    else:
        Dying.left = int(die_at)
        vars(app)["Link"] = Dying  # the failpoint
    return cli.main(command)


if __name__ == "__main__":
    sys.exit(main())
