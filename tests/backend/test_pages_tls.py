"""Beyond this machine the pages are served by TLS, or not at all."""

import asyncio
import ssl
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from cryptography import x509

from zonetag_backend import pages_tls
from zonetag_backend.app import Backend
from zonetag_backend.clock import utc_ms
from zonetag_backend.config import Config, load
from zonetag_backend.errors import ConfigError
from zonetag_backend.httpconfig import LOCAL_NAMES
from zonetag_backend.pki import authority
from zonetag_backend.pki.folder import Folder
from zonetag_backend.store.engine import open_database

DAY_MS = 86_400_000
NAMES = ["zonetag.example.vn", "192.168.1.9"]


def config(folder: Path, **given: object) -> Config:
    wanted = {"data": str(folder), "broker.url": "mqtt://127.0.0.1:9", "http.port": 0, "http.host": "0.0.0.0"}
    return load(None, {**wanted, "http.names": NAMES, **{name.replace("_", ".", 1): v for name, v in given.items()}})


def make_authority(folder: Path, at_ms: int) -> x509.Certificate:
    root = authority.init_root(at_ms)
    Folder(folder).create(authority.init_issuing(root, at_ms), root.certificate)
    return root.certificate


def test_settings_that_would_open_names_to_everybody(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"http\.names"):
        config(tmp_path, http_names=[])
    with pytest.raises(ConfigError, match="go together"):
        config(tmp_path, http_tls_cert=__file__)
    for names in ("x", ["x:80"], ["UPPER"], ["a b"], [1]):
        with pytest.raises(ConfigError, match=r"http\.names"):
            config(tmp_path, http_names=names)
    assert not load(None, {"data": str(tmp_path)}).http.tls
    http = config(tmp_path).http
    assert http.tls
    assert http.url(8765) == "https://zonetag.example.vn:8765/"
    assert http.names == (*NAMES, *LOCAL_NAMES)
    assert load(None, {"data": str(tmp_path), "http.host": "::1"}).http.url(1) == "http://[::1]:1/"


def test_without_a_certificate_there_are_no_pages_and_it_says_why(tmp_path: Path) -> None:
    async def run() -> None:
        async with Backend(config(tmp_path), utc_ms):
            pass

    with pytest.raises(ConfigError, match="zonetag ca init"):
        asyncio.run(run())


def test_the_office_s_own_authority_makes_one(tmp_path: Path) -> None:
    root = make_authority(tmp_path, utc_ms())
    trusting = ssl.create_default_context(cadata=authority.pem(root).decode())

    def fetch(url: str, context: ssl.SSLContext | None) -> int:
        with urllib.request.urlopen(url, context=context) as answer:
            return int(answer.status)

    async def run() -> None:
        async with Backend(config(tmp_path), utc_ms) as backend:
            assert backend.url.startswith("https://zonetag.example.vn:")
            port = backend.url.rstrip("/").rsplit(":", 1)[1]
            assert await asyncio.to_thread(fetch, f"https://127.0.0.1:{port}/healthz", trusting) == 200
            with pytest.raises(urllib.error.URLError):  # the control: who does not trust the root
                await asyncio.to_thread(fetch, f"https://127.0.0.1:{port}/healthz", None)
            with pytest.raises((urllib.error.URLError, ConnectionError)):
                await asyncio.to_thread(fetch, f"http://127.0.0.1:{port}/healthz", None)

    asyncio.run(run())


def test_it_is_renewed_in_time_and_when_names_change(tmp_path: Path) -> None:
    now = utc_ms()
    make_authority(tmp_path, now)
    engine = open_database(f"sqlite:///{tmp_path / 'zonetag.db'}")
    http = config(tmp_path).http
    assert pages_tls.renew(engine, http, tmp_path, now)
    assert not pages_tls.renew(engine, http, tmp_path, now + DAY_MS)
    assert pages_tls.renew(engine, http, tmp_path, now + 80 * DAY_MS)
    other = config(tmp_path, http_names=["other.example.vn"]).http
    assert pages_tls.renew(engine, other, tmp_path, now + 80 * DAY_MS)
    assert (tmp_path / "pki" / "pages.pem").stat().st_mode & 0o777 == 0o600
    engine.dispose()


def test_a_certificate_that_is_none_is_told(tmp_path: Path) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")

    async def run() -> None:
        async with Backend(config(tmp_path, http_tls_cert=str(bad), http_tls_key=str(bad)), utc_ms):
            pass

    with pytest.raises(ConfigError, match="certificate of the pages"):
        asyncio.run(run())
