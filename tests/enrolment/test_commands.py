"""The two commands as they are typed: what the server prints is what the gateway takes."""

import asyncio
import re
import shlex
from pathlib import Path

import pytest
from rig.seat import make_authority, settings

from zonetag_backend import cli
from zonetag_backend.app import Backend
from zonetag_backend.clock import utc_ms
from zonetag_gateway import cli as gateway_cli
from zonetag_gateway import config


def test_what_the_server_prints_is_typed_at_the_gateway(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    make_authority(data, utc_ms())
    toml = tmp_path / "server.toml"

    async def scene() -> None:
        async with Backend(settings(data, "mqtt://127.0.0.1:9"), utc_ms) as backend:
            url = f"https://127.0.0.1:{backend.enrolment.port}"
            toml.write_text(f'[enrolment]\nlisten = "127.0.0.1:8770"\nurl = "{url}"\n')
            words = [
                "gateway",
                "enrol",
                "cua-chinh",
                "--place",
                "Cửa chính",
                "--data",
                str(data),
                "--config",
                str(toml),
            ]
            assert await asyncio.to_thread(cli.main, words) == 0
            printed = capsys.readouterr().out
            found = re.search(r"sudo zonetag-gateway (enrol \S+ \S+)\n", printed)
            assert found, printed
            there = ["--dir", str(tmp_path / "identity"), "--config", str(tmp_path / "gateway.toml")]
            for said in ("is enrolled as", "is already enrolled as"):
                assert await asyncio.to_thread(gateway_cli.main, [*shlex.split(found[1]), *there]) == 0
                assert f"{said.removeprefix('is ')} cua-chinh of site office" in capsys.readouterr().out
            written = config.load(tmp_path / "gateway.toml")
            assert (written.site, written.name, written.identity.folder) == (
                "office",
                "cua-chinh",
                tmp_path / "identity",
            )
            other = [*shlex.split(found[1]), "--dir", str(tmp_path / "other")]
            assert await asyncio.to_thread(gateway_cli.main, other) == 1
            assert "token-used" in capsys.readouterr().err

    asyncio.run(scene())


def test_without_an_address_or_an_authority_it_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["gateway", "enrol", "gw1", "--data", str(tmp_path)]
    assert cli.main(words) == 1
    assert "[enrolment]" in capsys.readouterr().err
    toml = tmp_path / "server.toml"
    toml.write_text('[enrolment]\nlisten = "127.0.0.1:8770"\n')
    assert cli.main([*words, "--config", str(toml)]) == 1
    assert "zonetag ca init" in capsys.readouterr().err
    assert cli.main(["gateway", "list", "--data", str(tmp_path), "--json"]) == 0
    assert capsys.readouterr().out == "[]\n"  # nothing was registered
