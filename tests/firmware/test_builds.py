"""Our own builds of MicroPython: what can be checked without an ESP-IDF."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from rig.micropython import Micropython
from rig.tag_bench import TAG_SIDE

from zonetag_tag import boards

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "firmware" / "boards"
BOARD_FOLDERS = sorted(path for path in FOLDER.glob("ZONETAG_*") if path.is_dir())
SLOT_ALIGN = 0x10000
FLASH = 4 * 1024 * 1024


def options(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_every_board_of_the_table_has_a_build_that_says_its_name() -> None:
    said = set()
    for folder in BOARD_FOLDERS:
        found = re.search(r'MICROPY_HW_BOARD_NAME "(Zonetag .+)"', (folder / "mpconfigboard.h").read_text())
        assert found, folder
        said.add(boards.recognised(found[1] + " with ESP32").name)
    assert said == {board.name for board in boards.BOARDS}


@pytest.mark.parametrize("folder", BOARD_FOLDERS, ids=lambda path: path.name)
def test_a_build_takes_the_options_that_let_it_sleep(folder: Path) -> None:
    listed = re.findall(
        r"\$\{MICROPY_BOARD_DIR\}/(\S+sdkconfig\S+|sdkconfig\S+)", (folder / "mpconfigboard.cmake").read_text()
    )
    files = [folder / name.rstrip(")") for name in listed if "crystal" not in name]
    chosen: dict[str, str] = {}
    for file in files:
        chosen |= options(file)
    assert chosen["CONFIG_PM_ENABLE"] == "y"
    assert chosen["CONFIG_FREERTOS_USE_TICKLESS_IDLE"] == "y"
    assert "y" in (chosen.get("CONFIG_BT_CTRL_MODEM_SLEEP"), chosen.get("CONFIG_BTDM_CTRL_MODEM_SLEEP"))
    assert chosen["CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE"] == "y"


@pytest.mark.parametrize("folder", BOARD_FOLDERS, ids=lambda path: path.name)
def test_a_build_wants_no_file_that_some_versions_of_the_port_lack(folder: Path) -> None:
    # 1.28 brought boards/sdkconfig.riscv and dropped boards/sdkconfig.usb; these two have been there all the time.
    listed = re.search(r"set\(SDKCONFIG_DEFAULTS\n(.*?)\)", (folder / "mpconfigboard.cmake").read_text(), re.DOTALL)
    assert listed
    assert set(re.findall(r"^ +(boards/\S+)", listed[1], re.MULTILINE)) == {
        "boards/sdkconfig.base",
        "boards/sdkconfig.ble",
    }


def test_no_header_sets_what_the_port_sets_again() -> None:
    """Only what the port's mpconfigport.h has behind an `#ifndef` can be set by a board."""
    free = {"HW_BOARD_NAME", "HW_MCU_NAME", "PY_NETWORK_WLAN", "PY_ESPNOW", "HW_ENABLE_SDCARD", "PY_MACHINE_I2S"}
    free |= {"HW_ENABLE_UART_REPL"}  # in its uart.h
    for folder in BOARD_FOLDERS:
        said = set(re.findall(r"#define MICROPY_(\w+)", (folder / "mpconfigboard.h").read_text()))
        assert said <= free, folder


def test_every_option_is_explained_on_the_page() -> None:
    page = (FOLDER / "README.md").read_text()
    plain = {
        "CONFIG_PARTITION_TABLE_CUSTOM",
        "CONFIG_PARTITION_TABLE_CUSTOM_FILENAME",
        "CONFIG_ESPTOOLPY_FLASHSIZE_4MB",
    }
    plain |= {"CONFIG_ESP_BROWNOUT_DET"}  # save nothing
    for file in FOLDER.rglob("sdkconfig.*"):
        for name, value in options(file).items():
            assert value == "n" or name in plain or f"`{name}`" in page, name
    for name in re.findall(r"`(CONFIG_\w+)`", page):
        used = any(name in options(file) for file in FOLDER.rglob("sdkconfig.*"))
        assert used or name == "CONFIG_BT_CTRL_LPCLK_SEL_RTC_SLOW", name
    assert "not measured" in page


def test_two_slots_for_updates_and_a_file_system_without_gaps() -> None:
    rows = [
        [cell.strip() for cell in line.split(",")]
        for line in (FOLDER / "partitions-4MiB-ota.csv").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    at = 0x9000
    for name, kind, _, offset, size, *_ in rows:
        assert int(offset, 16) == at, name
        assert kind != "app" or at % SLOT_ALIGN == 0
        at += int(size, 16)
    assert at == FLASH
    slots = [row for row in rows if row[1] == "app"]
    assert [row[2] for row in slots] == ["ota_0", "ota_1"]
    assert slots[0][4] == slots[1][4]
    assert {row[0] for row in rows} >= {"nvs", "otadata", "vfs"}


def test_the_manifest_freezes_the_firmware_and_the_tags_side_of_the_protocol() -> None:
    frozen: list[Path] = []

    def module(name: str, base_path: str, opt: int) -> None:
        frozen.append((FOLDER / base_path / name).resolve())

    def package(name: str, files: tuple[str, ...] = (), base_path: str = "", opt: int = 0) -> None:
        base = (FOLDER / base_path / name).resolve()
        frozen.extend(base / file for file in files) if files else frozen.extend(sorted(base.glob("*.py")))

    names: dict[str, Any] = {"module": module, "package": package, "freeze": lambda path, scripts: None}
    exec(compile((FOLDER / "manifest.py").read_text(), "manifest.py", "exec"), names)
    assert all(path.is_file() for path in frozen)
    assert ROOT / "firmware/main.py" in frozen
    assert FOLDER / "modules/_boot.py" in frozen
    assert {path.stem for path in frozen if path.parent.name == "zonetag_protocol"} == set(TAG_SIDE)
    assert len([path for path in frozen if path.parent.name == "zonetag_tag"]) > 15


def test_a_damaged_file_system_does_not_stop_the_start(
    micropython: Micropython, firmware: Path, tmp_path: Path
) -> None:
    (tmp_path / "chip.bin").write_bytes(b"\x5a" * 32 * 4096)
    (tmp_path / "flashbdev.py").write_text("import flash\nbdev = flash.Chip('chip.bin', 32)\n")
    start = f"exec(open({str(FOLDER / 'modules/_boot.py')!r}).read())\nprint('went on')"
    done = micropython.run("-c", start, path=[tmp_path, firmware], cwd=tmp_path)
    assert '"zonetag-fault": "flash"' in done.stdout
    assert done.stdout.rstrip().endswith("went on")


def test_the_build_script_says_what_is_missing() -> None:
    script = FOLDER / "build"
    for arguments, said in (([], "Which board?"), (["ZONETAG_C3", "/nowhere"], "checkout of MicroPython")):
        done = subprocess.run([script, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert said in done.stderr


def test_the_c_module_has_what_the_firmware_calls() -> None:
    source = (FOLDER / "module/zonetag_power.c").read_text()
    called = set(re.findall(r"zonetag_power\.(\w+)\(", (ROOT / "firmware/zonetag_tag/board.py").read_text()))
    assert called == set(re.findall(r"MP_ROM_QSTR\(MP_QSTR_(\w+)\), MP_ROM_PTR", source))
