"""CI skips nothing for want of a component: the rule of tests/rig/components.py, on small suites of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REQUIRES = "def test_x(require):\n    require('no-such-program-at-all', 'apt-get install it')\n"
FINDS = "def test_x(require):\n    assert require('env', 'apt-get install coreutils').endswith('/env')\n"
SKIPS = "import pytest\ndef test_x():\n    pytest.skip('{}')\n"
SKIPS_WHOLE = "import pytest\npytest.importorskip('no_such_module_at_all')\ndef test_x():\n    pass\n"
EXPECTED_TO_FAIL = "import pytest\n@pytest.mark.xfail(strict=True)\ndef test_x():\n    assert False\n"

PASSES, FAILS, BROKEN = 0, 1, 2  # pytest's exit codes; 2 where collecting failed
NONE_RAN = 5


@pytest.mark.parametrize(
    ("suite", "without_ci", "with_ci"),
    [
        (FINDS, PASSES, PASSES),
        (REQUIRES, PASSES, FAILS),
        (SKIPS.format("no good reason"), PASSES, FAILS),
        (SKIPS.format("needs hardware: a Bluetooth adapter"), PASSES, PASSES),
        (SKIPS.format("not given: a capture"), PASSES, PASSES),
        (SKIPS_WHOLE, NONE_RAN, BROKEN),
        (EXPECTED_TO_FAIL, PASSES, PASSES),
    ],
    ids=["found", "missing", "skipped", "needs hardware", "not given", "skipped whole", "expected to fail"],
)
def test_a_missing_component_skips_here_and_fails_in_ci(
    root: Path, tmp_path: Path, suite: str, without_ci: int, with_ci: int
) -> None:
    shutil.copy(root / "tests/conftest.py", tmp_path)
    (tmp_path / "test_x.py").write_text(suite, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    for ci, wanted in (("", without_ci), ("true", with_ci)):
        environment = os.environ | {"CI": ci, "PYTHONPATH": str(root / "tests")}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == wanted, f"CI={ci!r}\n{done.stdout}{done.stderr}"
