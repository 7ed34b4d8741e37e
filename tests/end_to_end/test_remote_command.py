"""`zonetag gateway command` against a running gateway on a real broker."""

import asyncio
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from rig.brokers import Mosquitto
from rig.running import running, until

from zonetag_backend.cli import main
from zonetag_gateway.config import Config, parse

LIMIT_S = 60.0


def gateway(folder: Path, url: str) -> Config:
    table = {
        "site": "office",
        "name": "entrance",
        "spool": {"path": "spool.db"},
        "broker": {"url": url},
        "remote": {"enabled": True},
    }
    return parse(table, folder)


def zonetag(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("zonetag")), *words, "--data", str(folder / "data")]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def test_a_command_is_sent_and_its_answer_shown(mosquitto: Mosquitto, tmp_path: Path) -> None:
    def command(*words: str) -> tuple[int, str]:
        done = zonetag(tmp_path, "gateway", "command", "entrance", *words, "--broker", mosquitto.url)
        return done.returncode, done.stdout + done.stderr

    async def scenario() -> None:
        assert zonetag(tmp_path, "gateway", "add", "entrance").returncode == 0
        async with running(gateway(tmp_path, mosquitto.url)):
            await until(lambda: any("/cmd (QoS 1)" in line for line in mosquitto.log))
            before = logging.getLogger().level
            try:
                code, said = await asyncio.to_thread(command, "log-level", "error")
                assert (code, "[ok]" in said) == (0, True), said
                assert logging.getLogger().level == logging.ERROR
            finally:
                logging.getLogger().setLevel(before)
            code, said = await asyncio.to_thread(command, "find-me", "1")
            assert (code, "[ok]" in said) == (0, True), said
            code, said = await asyncio.to_thread(command, "log-level", "loud")
            assert (code, "[bad-argument]" in said) == (1, True), said
            code, said = await asyncio.to_thread(command, "config", "report.every_s=2", "source.scanning=active")
            assert (code, "[unsupported]" in said) == (1, True), said  # this gateway has no file to keep them in

    asyncio.run(scenario())


def test_what_cannot_be_sent_says_what_to_do(
    mosquitto: Mosquitto, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(*words: str) -> tuple[int, str]:
        code = main(["gateway", "command", *words, "--data", str(tmp_path / "data")])
        return code, capsys.readouterr().err

    assert main(["gateway", "add", "entrance", "--data", str(tmp_path / "data")]) == 0
    code, said = command("exit", "send-health")
    assert (code, "zonetag gateway list" in said) == (1, True)
    code, said = command("entrance", "send-health", "--site", "elsewhere")
    assert (code, "no gateway entrance at elsewhere" in said) == (1, True)
    code, said = command("entrance", "send-health", "7")
    assert (code, "takes no value" in said) == (1, True)
    code, said = command("entrance", "config", "report.every_s")
    assert (code, "no SETTING=VALUE" in said) == (1, True)
    code, said = command("entrance", "send-health", "--broker", mosquitto.url, "--wait", "0.2")
    assert (code, "enabled = true" in said) == (1, True)
