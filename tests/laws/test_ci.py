"""CI skips nothing for want of a component: the rule of tests/rig/components.py, on small suites of its own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SUITES = {
    "found": "def test_x(require):\n    assert require('env', 'apt-get install coreutils').endswith('/env')\n",
    "missing": "def test_x(require):\n    require('no-such-program-at-all', 'apt-get install it')\n",
    "skipped": "import pytest\ndef test_x():\n    pytest.skip('no good reason')\n",
    "hardware": "import pytest\ndef test_x():\n    pytest.skip('needs hardware: a Bluetooth adapter')\n",
    "not_given": "import pytest\ndef test_x():\n    pytest.skip('not given: a capture')\n",
    "expected": "import pytest\n@pytest.mark.xfail(strict=True)\ndef test_x():\n    assert False\n",
    "whole": "import pytest\npytest.importorskip('no_such_module_at_all')\ndef test_x():\n    pass\n",
}
HERE = {
    "found": "PASSED",
    "missing": "SKIPPED",
    "skipped": "SKIPPED",
    "hardware": "SKIPPED",
    "not_given": "SKIPPED",
    "expected": "XFAIL",
    "whole": "nothing",
}
IN_CI = HERE | {"missing": "FAILED", "skipped": "FAILED", "whole": "ERROR"}


@pytest.mark.parametrize(("ci", "wanted"), [("", HERE), ("true", IN_CI)], ids=["here", "in CI"])
def test_a_missing_component_skips_here_and_fails_in_ci(
    root: Path, tmp_path: Path, ci: str, wanted: dict[str, str]
) -> None:
    shutil.copy(root / "tests/conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    for name, text in SUITES.items():
        (tmp_path / f"test_{name}.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--continue-on-collection-errors", "."]
    environment = os.environ | {"CI": ci, "PYTHONPATH": str(root / "tests"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    outcomes = dict.fromkeys(SUITES, "nothing")
    outcomes |= dict(re.findall(r"^test_(\w+)\.py::test_x (\w+)", done.stdout, re.MULTILINE))
    outcomes |= dict.fromkeys(re.findall(r"^ERROR test_(\w+)\.py", done.stdout, re.MULTILINE), "ERROR")
    assert outcomes == wanted, done.stdout + done.stderr
    assert (done.returncode == 0) == (not ci)
