"""What `deploy/` holds fits the program: units, alert rules, dashboard, and a playbook for each alert."""

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zonetag_gateway import metrics, mgmt_socket
from zonetag_gateway.attendant import LOOK_S

LIMIT_S = 60
ALERT = re.compile(r"^      - alert: (\w+)$", re.MULTILINE)
METRIC = re.compile(r"\bzonetag_gateway_\w+")
LANGUAGES = ("en", "vi")


@pytest.fixture
def alerts(root: Path) -> str:
    return (root / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8")


def unit(root: Path) -> dict[str, list[str]]:
    """Setting -> its values, in order."""
    found: dict[str, list[str]] = {}
    for line in (root / "deploy/systemd/zonetag-gateway.service").read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def test_systemd_takes_the_unit(root: Path, require: Callable[..., str], tmp_path: Path) -> None:
    """With a program in the place of ours, as only an installed package has that one."""
    analyze = require("systemd-analyze", "apt-get install systemd")
    text = (root / "deploy/systemd/zonetag-gateway.service").read_text()
    copy = tmp_path / "zonetag-gateway.service"
    copy.write_text(text.replace("/usr/bin/zonetag-gateway", "/bin/true"))
    done = subprocess.run(
        [analyze, "verify", "--man=no", copy], capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    ours = [line for line in done.stderr.splitlines() if copy.name in line and "bluetooth.service" not in line]
    assert ours == []
    copy.write_text(copy.read_text().replace("WatchdogSec=60", "WatchdogSec=soon"))  # the control
    done = subprocess.run(
        [analyze, "verify", "--man=no", copy], capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    assert "ignoring: soon" in done.stderr


def test_the_sandbox_is_tight(root: Path, require: Callable[..., str]) -> None:
    analyze = require("systemd-analyze", "apt-get install systemd")
    path = root / "deploy/systemd/zonetag-gateway.service"
    done = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=20", path],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
        env={**os.environ, "SYSTEMD_COLORS": "0"},
    )
    assert done.returncode == 0, done.stdout.splitlines()[-1]  # exposure of at most 2.0 of 10


def test_the_unit_fits_the_program(root: Path) -> None:
    told = unit(root)
    assert told["Type"] == ["notify"]
    assert float(told["WatchdogSec"][0]) >= 3 * LOOK_S  # a look or two may come late
    assert told["User"] == ["zonetag"]
    assert told["CapabilityBoundingSet"] == [""]
    assert told["StateDirectory"] == ["zonetag-gateway"]
    assert "adjtimex" in told["SystemCallFilter"][-1]  # or the clock would never count as synchronised


def test_the_drop_in_allows_the_management_socket_and_nothing_else(root: Path) -> None:
    text = (root / "deploy/systemd/mgmt.conf").read_text()
    allowed = [line for line in text.splitlines() if line and not line.startswith(("#", "["))]
    assert allowed == [
        "CapabilityBoundingSet=CAP_NET_ADMIN",
        "AmbientCapabilities=CAP_NET_ADMIN",
        "RestrictAddressFamilies=AF_BLUETOOTH",
    ]
    command = "/usr/lib/zonetag-gateway/mgmt.conf /etc/systemd/system/zonetag-gateway.service.d/mgmt.conf"
    assert command in text  # the same as doctor says
    assert command in mgmt_socket.CAPABILITY
    assert 'deploy/systemd/mgmt.conf "$lib/"' in (root / "scripts/deb").read_text()


def test_bluetoothd_keeps_what_its_owner_has_set(root: Path) -> None:
    """Ours first, then /etc/bluetooth/main.conf: of a key that stands twice bluetoothd takes the last one."""
    drop_in = (root / "deploy/systemd/bluetooth-zonetag.conf").read_text()
    assert "cat /usr/lib/zonetag-gateway/bluetooth.conf /etc/bluetooth/main.conf" in drop_in
    ours = (root / "deploy/systemd/bluetooth.conf").read_text()
    interval, window = (re.search(rf"^{key} = (\d+)$", ours, re.MULTILINE) for key in SCAN)
    assert interval
    assert window
    assert interval[1] == window[1]
    assert re.search(r"^Experimental = true$", ours, re.MULTILINE)
    assert ours.endswith("\n\n")  # whatever follows begins on a line of its own


SCAN = ("ScanIntervalAdvMonitor", "ScanWindowAdvMonitor")


def test_every_alert_is_whole(alerts: str) -> None:
    blocks = re.split(r"(?m)^      - alert: ", alerts)[1:]
    assert len(blocks) >= 10
    for block in blocks:
        name, *lines = block.splitlines()
        settings = {line.strip().partition(":")[0] for line in lines if line.strip()}
        assert settings - {"for"} == {"expr", "labels", "annotations", "summary", "playbook"}, name
        assert re.search(r"labels: \{severity: (critical|warning)\}", block), name
        assert f"playbook: docs/en/playbooks.md#{name.lower()}\n" in block, name
        expr = re.search(r"expr: (.*)", block)
        assert expr
        assert expr[1].count("(") == expr[1].count(")"), name


def test_alerts_and_dashboard_name_metrics_that_there_are(root: Path, alerts: str) -> None:
    dashboard = (root / "deploy/grafana/zonetag-gateways.json").read_text()
    for text in (alerts, dashboard):
        used = set(METRIC.findall(text))
        assert len(used) >= 8
        assert used <= set(metrics.names())
    assert set(metrics.names()) - set(METRIC.findall(alerts + dashboard)) <= {
        # only to be asked for when something is wrong
        "zonetag_gateway_broker_connects_total",
        "zonetag_gateway_acknowledgements_ignored_total",
        "zonetag_gateway_acknowledgements_malformed_total",
        "zonetag_gateway_adapter_info",
        "zonetag_gateway_adapter_adverts_total",
        "zonetag_gateway_adapter_last_advert_age_seconds",
    }


def test_the_dashboard_is_one(root: Path) -> None:
    board: dict[str, Any] = json.loads((root / "deploy/grafana/zonetag-gateways.json").read_text())
    assert board["uid"] == "zonetag-gateways"
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels]
    assert len(set(places)) == len(places)
    for panel in panels:
        assert panel["title"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert all(target["expr"] for target in panel["targets"])
    assert {one["name"] for one in board["templating"]["list"]} == {"datasource", "instance"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_alert_has_its_playbook(root: Path, alerts: str, language: str) -> None:
    text = (root / f"docs/{language}/playbooks.md").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^## (\w+)$", text) == ALERT.findall(alerts)
    for section in re.split(r"(?m)^## ", text)[1:]:
        assert re.search(r"(?m)^1\. ", section), section.splitlines()[0]  # a first step


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_metric_is_documented(root: Path, language: str) -> None:
    text = (root / f"docs/{language}/gateway.md").read_text(encoding="utf-8")
    missing = [family.name for family in metrics.FAMILIES if f"`{family.name}`" not in text]
    assert missing == []


def test_the_container_is_built_of_what_there_is(root: Path) -> None:
    text = (root / "deploy/container/Containerfile").read_text(encoding="utf-8")
    copied = [word for line in re.findall(r"(?m)^COPY (?!--from)(.*) \S+$", text) for word in line.split()]
    assert "gateway" in copied
    assert [name for name in copied if not (root / name).exists()] == []
    build = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert {package.split("/")[0] for package in build["targets"]["wheel"]["packages"]} <= set(copied)
