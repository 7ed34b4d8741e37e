"""kill -9 of the broker, of the server, of the gateway."""

import shutil

from faults import namespaces
from faults.counting import Count
from faults.engine import Fault, Run
from faults.stack import stack
from faults.waiting import pause


def needs() -> str:
    """What the processes need of the machine."""
    if not shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin"):
        return "needs mosquitto: apt-get install mosquitto"
    return namespaces.why_not()


def _broker(run: Run, gateway: str = "real") -> Count:
    with stack(run.folder) as made:
        made.start(gateway=gateway)
        for n in range(run.times):
            made.progress()
            pause(run.dice.uniform(0, 0.2))
            made.broker.kill()
            pause(run.dice.uniform(0, 0.2))
            made.start_broker()
            run.progress(n + 1)
        made.progress(5)
        made.finish()
        return made.count()


def _broker_control(run: Run) -> bool:
    """The server is away, the broker has said that it has the reports, and is killed."""
    with stack(run.folder) as made:
        made.start(gateway="trusting")
        made.progress()
        made.server.stop()
        made.hear_on(200)
        made.broker.kill()
        made.start_broker()
        made.start_server()
        made.server_ready()
        made.progress()
        made.finish()
        return made.count().lost > 0


def _server(run: Run) -> Count:
    """At a random moment, and, every other time, between a commit and its acknowledgement."""
    with stack(run.folder) as made:
        made.start()
        for n in range(run.times):
            made.progress()
            pause(run.dice.uniform(0, 0.3))
            made.server.kill()
            if n % 2:
                made.start_server(die_at=run.dice.randint(1, 5))
                made.server.wait()
            made.start_server()
            run.progress(n + 1)
        made.progress(5)
        made.finish()
        return made.count()


def _server_control(run: Run) -> bool:
    with stack(run.folder) as made:
        made.start()
        made.progress()
        made.server.kill()
        made.start_server("hasty", die_at=2)
        made.server.wait()
        made.start_server()
        made.progress(5)
        made.finish()
        return made.count().lost > 0


def _gateway(run: Run, variant: str = "real") -> Count:
    """At a random moment, and, every other time, within a write of the spool."""
    with stack(run.folder) as made:
        made.start_broker()
        made.start_server()
        made.server_ready()
        made.air.start()
        for n in range(run.times):
            inside = n % 2 == 0 and variant == "real"
            lives = made.air.lives
            made.start_gateway(variant, 6.0 if inside else 0.0)
            if inside:
                made.gateway.wait()
            else:
                made.heard_by(lives + 1)
                pause(run.dice.uniform(0.3, 1.2))
                made.gateway.kill()
            run.progress(n + 1)
        made.start_gateway()
        made.gateway_ready()
        made.progress(5)
        made.finish()
        return made.count(gateway_lived=False)


def _gateway_control(run: Run) -> bool:
    return _gateway(Run(run.folder, 3, run.dice, run.progress), "lazy").lost > 0


BROKER = Fault(
    "broker-kill",
    "mosquitto is killed in mid-stream and keeps nothing",
    3,
    1000,
    _broker,
    _broker_control,
    "the gateway deletes on PUBACK",
    needs,
)
SERVER = Fault(
    "backend-kill",
    "the server is killed, every other time between commit and acknowledgement",
    4,
    200,
    _server,
    _server_control,
    "the server acknowledges before it commits",
    needs,
)
GATEWAY = Fault(
    "gateway-kill",
    "the gateway is killed, every other time within a write of its spool",
    4,
    1000,
    _gateway,
    _gateway_control,
    "the spool says that it has what it has not written",
    needs,
)
