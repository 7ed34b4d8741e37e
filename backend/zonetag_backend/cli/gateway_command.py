"""`zonetag gateway command`: sends a gateway one command (SPEC.md section 8.4) and waits for what becomes of it."""

import argparse
import json
import logging
import queue
import re
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from zonetag_backend.cli.store import Parsers, add_where, looking, settings
from zonetag_backend.clock import monotonic, utc_ms
from zonetag_backend.config import Broker, Config
from zonetag_backend.errors import BrokerError, NotFound, RegistryError
from zonetag_backend.mqtt import Incoming, Link
from zonetag_backend.pki.client import with_own
from zonetag_backend.pki.profile import OPERATOR_NAME
from zonetag_backend.store import lists
from zonetag_protocol import topics

CONNECT_S = 20.0  # a broker that has not answered by then is not there
ANSWER_S = 15.0  # a gateway that hears answers within a second; a busy Pi on a slow link within some
ARGUMENTS = {"log-level": "level", "find-me": "seconds"}  # command: the one argument it takes
COMMANDS = ("log-level", "find-me", "restart-scan", "send-health", "config")
TRIAL = "trial"  # not yet the last answer
TRIAL_S = 420.0  # a gateway decides within 300 s of its start
WAITING = 100  # messages


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operator wants of a gateway."""

    site: str
    gateway: str
    do: str
    arguments: dict[str, object]


def register(actions: Parsers) -> None:
    """Add the action to `zonetag gateway`."""
    parser = actions.add_parser("command", help="send a gateway a command and wait for its answer")
    parser.add_argument("name", metavar="NAME", help="the gateway's")
    parser.add_argument("do", metavar="COMMAND", choices=COMMANDS, help=", ".join(COMMANDS))
    parser.add_argument(
        "values", metavar="VALUE", nargs="*", help="log-level: debug, info ...; find-me: seconds; config: SETTING=VALUE"
    )
    parser.add_argument("--site", help="the site of the gateway; needed if two sites have one of this name")
    parser.add_argument("--broker", metavar="URL", help="mqtt://HOST[:PORT] or mqtts://HOST[:PORT]")
    parser.add_argument("--wait", type=float, default=ANSWER_S, metavar="S", help="seconds for the answer (15)")
    add_where(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    wish = Wish(site_of(args), args.name, args.do, _arguments(args.do, args.values))
    broker = operator(settings(args, **{"broker.url": args.broker}))
    return tell(wish, send(broker, wish, args.wait))


def site_of(args: argparse.Namespace) -> str:
    """The site of the gateway that the arguments name; NotFound."""
    with looking(args) as connection:
        sites = [str(row["site"]) for row in lists.gateways(connection) if row["name"] == args.name and row["place"]]
    return _site(args.name, args.site, sites)


def operator(config: Config) -> Broker:
    """The broker as an operator speaks with it; its warnings go to standard error."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    # A random identifier: the backend's session, and its messages, stay the backend's.
    own = f"zonetag-command-{secrets.token_hex(4)}"
    return replace(with_own(config.broker, config.data, OPERATOR_NAME), client_id=own)


def tell(wish: Wish, answer: dict[str, Any]) -> int:
    """Print what a gateway has answered; the exit code."""
    code = "ok" if answer.get("ok") is True else json.dumps(answer.get("code"))[:32].strip('"')
    print(f"{wish.gateway}: {_plain(answer)} [{code}]")
    return 0 if answer.get("ok") is True else 1


def _plain(answer: dict[str, Any]) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in str(answer.get("text", "")))


def _site(name: str, wanted: str | None, sites: Sequence[str]) -> str:
    if wanted in sites:
        return str(wanted)
    if wanted is not None or not sites:
        raise NotFound(f"there is no gateway {name}{f' at {wanted}' if wanted else ''}: see zonetag gateway list")
    if len(sites) > 1:
        raise NotFound(f"which of the sites {', '.join(sites)}? Say it with --site")
    return sites[0]


def _arguments(do: str, values: Sequence[str]) -> dict[str, object]:
    """What stands under `with`; the gateway checks it."""
    if do == "config":
        return {"settings": dict(_setting(value) for value in values)}
    if not values:
        return {}
    name, value = ARGUMENTS.get(do), " ".join(values)
    if name is None:
        raise RegistryError(f"{do} takes no value: leave {value!r} out")
    return {name: int(value) if re.fullmatch("[0-9]{1,9}", value) else value}


def _setting(text: str) -> tuple[str, object]:
    """SETTING=VALUE, the value as JSON or else a text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise RegistryError(f"{text!r} is no SETTING=VALUE, as report.every_s=10")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value


def send(broker: Broker, wish: Wish, wait_s: float, trial_s: float = TRIAL_S) -> dict[str, Any]:
    """The gateway's answer; after one that speaks of a trial, the one after it.  BrokerError when there is none."""
    came: queue.Queue[Incoming] = queue.Queue(WAITING)
    connected: queue.Queue[bool] = queue.Queue()
    link = Link(broker, WAITING, came.put, connected.put, leaves=(topics.DONE,), persistent=False)
    identifier = secrets.token_hex(8)
    link.start()
    try:
        try:
            connected.get(timeout=CONNECT_S)
        except queue.Empty:
            raise BrokerError(f"there is no broker at {broker.url}: say where it is with --broker") from None
        message = {"id": identifier, "at": utc_ms(), "do": wish.do, "with": wish.arguments}
        link.publish(topics.topic(wish.site, wish.gateway, topics.CMD), json.dumps(message).encode())
        return _answer(link, came, topics.topic(wish.site, wish.gateway, topics.DONE), identifier, (wait_s, trial_s))
    finally:
        link.stop()


def _answer(
    link: Link, came: "queue.Queue[Incoming]", topic: str, identifier: str, waits_s: tuple[float, float]
) -> dict[str, Any]:
    until = monotonic() + waits_s[0]
    while (left_s := until - monotonic()) > 0:
        try:
            message = came.get(timeout=left_s)
        except queue.Empty:
            break
        link.done(message)
        try:
            answer = json.loads(message.payload)
        except (ValueError, RecursionError):
            continue
        if message.topic != topic or not isinstance(answer, dict) or answer.get("id") != identifier:
            continue
        if answer.get("code") != TRIAL:
            return answer
        print(f"{_plain(answer)} Waiting for what becomes of it.", file=sys.stderr)
        until = monotonic() + waits_s[1]
    raise BrokerError(
        "the gateway does not answer: is it online (zonetag gateway list), does its gateway.toml say enabled = true"
        " under [remote], and may it and you use its topics cmd and done?"
    )
