"""Fixtures of the gateway's tests: a real broker, a configuration, frames of invented tags."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rig.brokers import Mosquitto

from zonetag_gateway.config import Config, parse

Configure = Callable[..., Config]
Broker = Callable[..., Mosquitto]


@pytest.fixture
def new_broker(require: Callable[..., str], tmp_path: Path) -> Iterator[Broker]:
    """Makes a mosquitto that is not started yet; `extra` are lines of its configuration."""
    made: list[Mosquitto] = []

    def make(extra: str = "allow_anonymous true\n") -> Mosquitto:
        folder = tmp_path / f"broker{len(made)}"
        folder.mkdir()
        made.append(Mosquitto(require("mosquitto", "apt-get install mosquitto"), folder, extra))
        return made[-1]

    yield make
    for broker in made:
        broker.stop()


@pytest.fixture
def broker(new_broker: Broker) -> Mosquitto:
    """A mosquitto that runs."""
    broker = new_broker()
    broker.start()
    return broker


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """A configuration as its file would give it: `configure(url, broker={...}, report={...})`."""

    def make(url: str, **sections: dict[str, Any]) -> Config:
        table: dict[str, Any] = {
            "site": "hq",
            "name": "entrance",
            "windows": {"length_s": 0.5, "silence_s": 0.5},
            "report": {"every_s": 0.5},
            "spool": {"path": "spool.db", "max_mb": 8},
        }
        for section, settings in {"broker": {}, **sections}.items():
            table[section] = {**table.get(section, {}), **settings}
        table["broker"] = {"url": url, "resend_s": 1, **table["broker"]}
        return parse(table, tmp_path)

    return make
