"""The server itself shows what to do when an alert comes, and every alarm leads to its very section."""

import html
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from rig.office import Office
from rig.pages import Get

from zonetag_backend.web import languages
from zonetag_backend.web.alarms import ALARMS, TITLES
from zonetag_backend.web.playbooks import LANGUAGES, playbook

ALERT = re.compile(r"^      - alert: (\w+)$", re.MULTILINE)
WORKING = {"backend": "mgmt", "last_advert_age_s": 3.0}
DEAF = {"backend": "bleak", "last_advert_age_s": 1200.0}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_alert_has_its_section_on_the_page(root: Path, get: Get, language: str) -> None:
    alerts = ALERT.findall((root / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8"))
    assert len(alerts) >= 14
    page = get(f"/playbooks?lang={language}").text
    anchors = re.findall(r'<section id="(\w+)"', page)
    assert set(anchors) == {alert.lower() for alert in alerts}
    assert len(anchors) == len(set(anchors))
    assert set(TITLES) == set(alerts)
    say = languages.translations(language).gettext
    for name, title in TITLES.items():
        [link] = re.findall(rf'<a href="#{name.lower()}">(.*?)</a>', page)
        assert html.unescape(link) == say(title), "the menu says what it is"
    source = (root / "docs" / language / "playbooks.md").read_text(encoding="utf-8")
    assert page.count("<ol>") == len(anchors)
    steps = sum(each.body.count("<li>") for each in playbook(language))
    assert steps == len(re.findall(r"(?m)^\d+\. ", source))
    said = "".join(each.body for each in playbook(language))
    assert "`" not in said
    assert "](" not in said
    assert "http" not in re.sub(r"<code>.*?</code>", "", said), "nothing is fetched from elsewhere"
    assert "<code>systemctl status zonetag-gateway</code>" in said


def test_every_alarm_leads_to_a_section(get: Get) -> None:
    anchors = {each.anchor for each in playbook("en")}
    assert {heading.lower() for _, heading in ALARMS.values()} <= anchors
    assert get("/playbooks", role="").status_code in (303, 401)


def alarms(get: Get) -> tuple[list[str], str]:
    [gateway] = [each for each in get("/gateways.json").json()["gateways"] if each["gateway"] == "gw-cua"]
    return gateway["alarms"], get("/gateways?lang=en").text


def test_one_deaf_adapter_beside_one_that_hears(office: Office, get: Get) -> None:
    office.gateway_status("gw-cua", True, json.dumps({"adapters": {"hci0": WORKING, "hci1": DEAF}}))
    codes, page = alarms(get)
    assert codes == ["adapter"]
    assert '<a href="/playbooks#zonetaggatewayadapterdeaf">one of its adapters hears nothing</a>' in page
    assert "hci1" in page


@pytest.mark.parametrize(
    "adapters", [{"hci0": WORKING}, {"hci0": DEAF}, {"hci0": DEAF, "hci1": DEAF}, {"hci0": 3}, [], "x", None]
)
def test_no_alarm_of_one_adapter_where_all_are_alike(office: Office, get: Get, adapters: object) -> None:
    office.gateway_status("gw-cua", True, json.dumps({"adapters": adapters}))
    assert alarms(get)[0] == []


@pytest.mark.parametrize(("end", "wrong"), [("ok", False), ("rolled-back", True), ("failed", True)])
def test_an_update_that_did_not_stay(office: Office, get: Get, end: str, wrong: bool) -> None:
    office.gateway_status("gw-cua", True, json.dumps({"commands": {f"update.{end}": 1, "taken": 1}}))
    codes, page = alarms(get)
    assert (codes == ["update"]) is wrong
    assert ("/playbooks#zonetaggatewayupdatefailed" in page) is wrong


def test_an_installed_server_has_them_too(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=root, check=True, capture_output=True, timeout=120)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for language in LANGUAGES:
            text = archive.read(f"zonetag_backend/web/playbooks.{language}.md").decode()
            assert text == (root / "docs" / language / "playbooks.md").read_text(encoding="utf-8")
