"""A short soak: three days of office through the real gateway, as `make soak` does for thirty.

What is bounded is what a simulated day adds, not how long it takes.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

LIMIT_S = 900
GROWTH_KB_A_DAY = 3000  # a gateway that kept each identifier of a day would keep 4 MB of them with all that hangs on it


@pytest.mark.parametrize("acknowledged", [True, False])
def test_three_days(root: Path, require: Callable[..., str], acknowledged: bool) -> None:
    """Memory and files do not grow; they do (the control) when nobody acknowledges."""
    require("mosquitto", "apt-get install mosquitto")
    command = [sys.executable, str(root / "benchmarks/soak.py"), "--json", "--hours", "2"]
    command += ["--days", "3"] if acknowledged else ["--days", "2", "--no-ack"]
    path = os.pathsep.join([str(root / "benchmarks"), str(root / "tests")])
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.stdout, done.stderr
    samples = json.loads(done.stdout)["samples"]
    grown = (samples[-1]["gateway_kb"] - samples[-2]["gateway_kb"], samples[-1]["files"] - samples[-2]["files"])
    if acknowledged:
        assert grown[0] < GROWTH_KB_A_DAY
        assert samples[-1]["descriptors"] <= samples[0]["descriptors"] + 1  # that of who asks for the metrics
        assert samples[-1]["reports"] > samples[-2]["reports"]
        assert samples[-1]["files"] < 8_000_000
    else:
        assert grown[1] > 200_000
