"""How an update ended is counted once, told in the health, and seen by Prometheus."""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any, cast

import pytest
from rig.running import until

from zonetag_gateway import metrics
from zonetag_gateway.clock import SystemClock
from zonetag_gateway.commands import OK, TRIAL, Answer
from zonetag_gateway.remote import Remote
from zonetag_gateway.updating import Updates


def outcomes(remote: Remote) -> dict[str, float]:
    found = next(family for family in metrics.FAMILIES if family.name == "updates_total")
    scene = metrics.Scene({"commands": remote.desk.told()}, "1", 1, True, 0, 0)
    return {labels[0][1]: value for labels, value in found.values(scene)}


@pytest.mark.parametrize("ended", ["ok", "rolled-back", "failed"])
def test_the_end_of_an_update_is_counted(tmp_path: Path, ended: str) -> None:
    """As the version that is back finds it: asked for before it started, with the installer's word lying there."""
    folder, result = tmp_path / "update", tmp_path / "result"
    folder.mkdir()
    asked = {"id": "u-1", "order": "ab", "sha256": "cd", "version": "2.0"}
    (folder / "asked").write_text(json.dumps(asked))
    said: list[bytes] = []

    async def scenario() -> None:
        # Neither orders nor keys are looked at here: it has been begun.
        updates = Updates(folder, cast("Any", None), "1.0", result=result)
        clock = SystemClock()
        remote = Remote(clock, cast("Any", None), say=said.append, tell_health=cast("Any", None), updates=updates)
        assert outcomes(remote) == {"ok": 0, "rolled-back": 0, "failed": 0}
        remote.answer(Answer("u-1", TRIAL, "It is being installed."))
        remote.answer(Answer("other", OK, "Health is published."))
        assert set(outcomes(remote).values()) == {0}, "neither is an end of it"
        watch = asyncio.create_task(updates.watch(lambda: False, remote.answer))
        result.write_text(json.dumps({"order": "ab", "code": ended, "text": "why"}))
        await until(lambda: updates.asked is None)
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
        assert outcomes(remote) == dict.fromkeys(("ok", "rolled-back", "failed"), 0) | {ended: 1}
        assert remote.desk.told()[f"update.{ended}"] == 1
        assert json.loads(said[-1])["code"] == ended

    asyncio.run(scenario())
