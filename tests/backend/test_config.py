"""Settings: their defaults, their faults, and the example file."""

import re
import tomllib
from pathlib import Path

import pytest

from zonetag_backend.config import SETTINGS, default_data, load
from zonetag_backend.errors import ConfigError

EXAMPLE = Path("deploy/server.example.toml")


def test_defaults(tmp_path: Path) -> None:
    config = load(None, {"data": str(tmp_path)})
    assert config.database == f"sqlite:///{tmp_path}/zonetag.db"
    assert config.key_file == tmp_path / "tag-keys.key"
    assert config.broker.url == "mqtt://127.0.0.1:1883"
    assert (config.host, config.port) == ("127.0.0.1", 8765)


def test_the_data_folder_follows_xdg() -> None:
    assert default_data({"XDG_DATA_HOME": "/srv/x"}) == Path("/srv/x/zonetag")
    assert default_data({"XDG_DATA_HOME": "not/absolute"}) == Path.home() / ".local/share/zonetag"
    assert default_data({}) == Path.home() / ".local/share/zonetag"


def test_the_command_line_goes_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text('[broker]\nurl = "mqtts://file"\nclient_id = "mine"\n')
    config = load(file, {"broker.url": "mqtt://line:99", "http.port": None})
    assert config.broker.url == "mqtt://line:99"
    assert config.broker.client_id == "mine"
    assert load(file).broker.port == 8883


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text(
        'data = 5\ncolour = "red"\n[broker]\nurl = "http://x"\nca = "/not/there"\nmqtt_version = 5\n'
        '[http]\nport = 70000\nhost = ""\n[ingest]\nqueue = true\n'
    )
    with pytest.raises(ConfigError) as caught:
        load(file)
    said = str(caught.value)
    for name in ("data", "colour", "broker.url", "broker.ca", "broker.mqtt_version", "http.port", "http.host", "queue"):
        assert name in said


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mqtt://",
        "mqtt://h:0",
        "mqtt://h:x",
        "mqtt://h:99999",
        "tcp://h",
        "mqtt://u:p@h",
        "mqtt://h/path",
        "//h",
        "mqtt://[::1",
    ],
)
def test_a_broker_that_cannot_be(url: str) -> None:
    with pytest.raises(ConfigError, match=r"broker\.url"):
        load(None, {"broker.url": url})


def test_a_password_is_never_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, {"broker.url": "mqtt://user:hunter2@host"})
    assert "hunter2" not in str(caught.value)


def test_an_ipv6_broker() -> None:
    broker = load(None, {"broker.url": "mqtt://[::1]:1884"}).broker
    assert (broker.host, broker.port, broker.url) == ("::1", 1884, "mqtt://[::1]:1884")


@pytest.mark.parametrize("text", ["= 5", "\xff\xfe"])
def test_a_file_that_is_no_toml(tmp_path: Path, text: str) -> None:
    file = tmp_path / "server.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=re.escape(str(file))):
        load(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--config"):
        load(tmp_path / "none.toml")


def test_the_example_shows_every_setting_with_its_default(root: Path) -> None:
    text = (root / EXAMPLE).read_text()
    # Settings that have no default stand in it as comments; with the "# " taken away it is whole.
    whole = re.sub(r"^#(\w+ = )", r"\1", text, flags=re.MULTILINE)
    shown: dict[str, object] = {}
    for name, value in tomllib.loads(whole).items():
        shown |= (
            {f"{name}.{inner}": each for inner, each in value.items()} if isinstance(value, dict) else {name: value}
        )
    assert shown.keys() == SETTINGS.keys()
    commented = set(re.findall(r"^#(\w+) = ", text, flags=re.MULTILINE))
    for name, value in shown.items():
        default, _ = SETTINGS[name]
        assert (value == default) or name.split(".")[-1] in commented, name
    load(root / EXAMPLE)


def test_notices_are_signed_by_the_office_of_the_papers_unless_they_name_another() -> None:
    assert load(None, {}).notices.office == "Zonetag"
    assert load(None, {"office.name": "Sở Y tế"}).notices.office == "Sở Y tế"
    assert load(None, {"office.name": "Sở Y tế", "notices.office": "Phòng Y tế"}).notices.office == "Phòng Y tế"
