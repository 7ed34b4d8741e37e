"""What every test may use: components from outside, and the rule that CI skips nothing for want of one."""

import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NoReturn

import pytest

CI = os.environ.get("CI") == "true"
ROOT = Path(__file__).resolve().parents[2]

# A skip whose reason begins so is allowed in CI too: no package could make such a test possible there.
ALLOWED_SKIPS = (
    "needs hardware:",  # a Bluetooth adapter, a tag on a cable
    "not given:",  # the user's own captures, an external broker
)

Require = Callable[..., str]


@pytest.fixture(scope="session")
def require() -> Require:
    """`require("mosquitto", "apt-get install mosquitto")`: the path of that program.

    Where it is missing the test skips and says what to type; with CI=true it fails. `tests/apt-packages` lists what
    `make test` installs by itself.
    """

    def find(program: str, how_to_get_it: str) -> str:
        # Debian puts servers where not every user's PATH leads.
        path = shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))
        return path or missing(f"{program} is not installed: {how_to_get_it}")

    return find


@pytest.fixture(scope="session")
def root() -> Path:
    """The top folder of the project."""
    return ROOT


def missing(reason: str) -> NoReturn:
    """Skip the test because a component is missing; in CI the skip counts as a failure (see below)."""
    pytest.skip(reason)


def _forbidden_in_ci(report: pytest.TestReport | pytest.CollectReport) -> bool:
    if not CI or not report.skipped or hasattr(report, "wasxfail"):
        return False
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return not reason.removeprefix("Skipped: ").startswith(ALLOWED_SKIPS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if _forbidden_in_ci(report):
        report.outcome = "failed"
        report.longrepr = f"Skipped, and CI must skip nothing: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if _forbidden_in_ci(report):
        report.outcome = "failed"
        report.longrepr = f"Skipped whole, and CI must skip nothing: {report.longrepr}"
    return report
