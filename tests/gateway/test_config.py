"""The configuration: complete in its example, and every fault of it told at once."""

import dataclasses
import math
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from zonetag_gateway.config import Config, load, parse, setting_names
from zonetag_gateway.errors import ConfigFaults

LEAST: dict[str, Any] = {"site": "hq", "name": "entrance", "broker": {"url": "mqtt://broker.example"}}


@pytest.fixture
def example(root: Path) -> Path:
    return root / "deploy" / "gateway.example.toml"


def names_of(table: dict[str, Any]) -> list[str]:
    names = []
    for key, value in table.items():
        names += [f"{key}.{inner}" for inner in value] if isinstance(value, dict) else [key]
    return names


def faults_of(table: dict[str, Any], folder: Path = Path("/")) -> set[tuple[str, str]]:
    with pytest.raises(ConfigFaults) as caught:
        parse(table, folder)
    assert all(fault.text for fault in caught.value.faults)
    return {(fault.setting, fault.code) for fault in caught.value.faults}


def test_every_setting_stands_in_the_example_and_nothing_else(example: Path) -> None:
    assert sorted(names_of(tomllib.loads(example.read_text()))) == sorted(setting_names())


def test_the_example_documents_every_setting(example: Path) -> None:
    """A comment goes before each group of settings."""
    for paragraph in re.split(r"\n\s*\n", example.read_text()):
        lines = paragraph.removeprefix("\n").splitlines()
        if any(re.match(r"\w+ = ", line) for line in lines):
            body = [line for line in lines if not re.fullmatch(r"\[\w+\]", line)]
            assert body[0].startswith("# "), paragraph


def test_the_example_holds_the_defaults(example: Path) -> None:
    given = load(example)
    default = parse({**LEAST, "site": given.site, "name": given.name}, example.parent)
    assert dataclasses.replace(given, broker=default.broker) == default
    assert dataclasses.replace(given.broker, url=default.broker.url) == default.broker


def test_all_faults_are_told_at_once() -> None:
    table = {
        "name": "Entrance",
        "nmae": "x",
        "company": 70000,
        "source": {"kind": "replay", "speed": "fast", "air": "nowhere", "adapters": "hci0"},
        "windows": {"length_s": True, "max_open": 1.5, "change_db": -1},
        "report": "often",
        "spool": {"path": ""},
        "broker": {"username": 7, "cert": "missing.pem", "mqtt_version": 5, "tls": True},
    }
    assert faults_of(table) == {
        ("site", "missing"),
        ("name", "not-a-name"),
        ("nmae", "unknown-setting"),
        ("company", "out-of-range"),
        ("source.speed", "not-one-of"),
        ("source.air", "bad-address"),
        ("source.adapters", "wrong-type"),
        ("windows.length_s", "wrong-type"),
        ("windows.max_open", "wrong-type"),
        ("windows.change_db", "out-of-range"),
        ("report", "wrong-type"),
        ("spool.path", "wrong-type"),
        ("broker.url", "missing"),
        ("broker.username", "wrong-type"),
        ("broker.cert", "no-file"),
        ("broker.mqtt_version", "not-one-of"),
        ("broker.tls", "unknown-setting"),
    }


def test_settings_that_do_not_go_together(tmp_path: Path) -> None:
    (tmp_path / "pem").write_text("x")
    table = {**LEAST, "source": {"kind": "replay"}}
    table["broker"] = {"url": "mqtt://b", "cert": "pem", "password_file": "pem"}
    assert faults_of(table, tmp_path) == {
        ("source.file", "conflict"),
        ("broker.cert", "conflict"),
        ("broker.url", "conflict"),
        ("broker.username", "conflict"),
    }


@pytest.mark.parametrize(
    ("url", "host", "port", "tls"),
    [
        ("mqtt://b", "b", 1883, False),
        ("mqtts://b/", "b", 8883, True),
        ("mqtt://10.0.0.1:1999", "10.0.0.1", 1999, False),
        ("mqtt://[::1]:1999", "::1", 1999, False),
    ],
)
def test_broker_urls(url: str, host: str, port: int, tls: bool) -> None:
    broker = parse({**LEAST, "broker": {"url": url}}, Path("/")).broker
    assert (broker.url.host, broker.url.port, broker.url.tls) == (host, port, tls)


@pytest.mark.parametrize(
    "url", ["b", "http://b", "mqtt://", "mqtt://b:x", "mqtt://b:99999", "mqtt://u:secret@b", "mqtt://b/x", ""]
)
def test_broker_urls_that_are_refused(url: str) -> None:
    with pytest.raises(ConfigFaults) as caught:
        parse({**LEAST, "broker": {"url": url}}, Path("/"))
    assert "secret" not in str(caught.value)
    assert [(fault.setting, fault.code) for fault in caught.value.faults] == [("broker.url", "bad-url")]


@pytest.mark.parametrize(("given", "speed"), [("real", 1.0), ("max", math.inf), (10, 10.0), (0.5, 0.5)])
def test_speeds(given: object, speed: float) -> None:
    config = parse({**LEAST, "source": {"kind": "replay", "file": "a.pcapng", "speed": given}}, Path("/captures"))
    assert config.source.speed == speed
    assert config.source.file == (Path("/captures/a.pcapng"),)


def test_the_command_line_goes_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text('site = "hq"\nname = "entrance"\n[source]\nkind = "bleak"\n[broker]\nurl = "mqtt://b"\n')
    config: Config = load(path, {"source": {"kind": "simulated"}})
    assert config.source.kind == "simulated"


@pytest.mark.parametrize(
    ("content", "code"), [(b"site = ", "not-toml"), (b'site = "\xff"', "not-toml"), (None, "unreadable")]
)
def test_files_that_are_none(tmp_path: Path, content: bytes | None, code: str) -> None:
    path = tmp_path / "gateway.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigFaults) as caught:
        load(path)
    assert [fault.code for fault in caught.value.faults] == [code]
