"""The radio's rules: calls out of order are refused by it, and what it does not refuse, the stand-in would."""

from pathlib import Path

import pytest
from rig.micropython import Micropython

START = "import bluetooth\nfrom zonetag_tag.radio import Radio, RadioMisused\nr = Radio()\n"
MISUSED = """
try:
    {call}
    print("allowed")
except RadioMisused as error:
    print("refused:", error)
"""


def said(micropython: Micropython, firmware: Path, code: str) -> str:
    done = micropython.run("-c", START + code, path=[firmware])
    assert done.returncode == 0, done.stdout
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("before", "call"),
    [
        ("", "r.rotate()"),
        ("", "r.advertise(100, b'')"),
        ("", "r.stop()"),
        ("r.start()", "r.start()"),
        ("r.start()", "r.advertise(100, b'')"),
        ("r.start()", "r.stop()"),
        ("r.start(); bluetooth.refuse = 1; r.rotate()", "r.advertise(100, b'')"),
        ("r.start(); r.rotate(); r.restart()", "r.advertise(100, b'')"),
        ("r.start(); r.lock.__enter__()", "r.rotate()"),
        ("r.start(); r.rotate(); r.lock.__enter__()", "r.advertise(100, b'')"),
        ("r.start(); r.rotate(); r.lock.__enter__()", "r.stop()"),
    ],
)
def test_a_call_out_of_order_is_refused(micropython: Micropython, firmware: Path, before: str, call: str) -> None:
    assert said(micropython, firmware, before + MISUSED.format(call=call)).startswith("refused:")


def test_a_rotation_leaves_the_air_silent_and_the_new_address_ready(micropython: Micropython, firmware: Path) -> None:
    code = """
r.start()
print(r.rotate())
r.advertise(100, b'1' * 31)
one = r.address()
bluetooth.calls.clear()
print(r.rotate(), bluetooth.on_air, bluetooth.calls)
print(one != r.address(), len(one), one[0])
"""
    expected = "True\nTrue None ['gap_advertise', 'gap_scan', 'config']\nTrue 7 1"
    assert said(micropython, firmware, code) == expected


def test_a_scan_left_on_makes_the_address_stay_and_is_noticed(micropython: Micropython, firmware: Path) -> None:
    """The stand-in refuses as the controller does; `rotate` ends the scan first, so only one begun in between shows."""
    code = """
class Scans(Radio):
    def _silence(self):
        super()._silence()
        self._ble.gap_scan(0)
r = Scans()
r.start()
print(r.rotate(), bluetooth.refused)
"""
    assert said(micropython, firmware, code) == "False 1"


def test_the_payload_may_have_31_bytes_and_no_more(micropython: Micropython, firmware: Path) -> None:
    code = """
r.start()
r.rotate()
r.advertise(100, bytes(31))
print(len(bluetooth.on_air[1]))
try:
    r.advertise(100, bytes(32))
except ValueError:
    print('refused')
"""
    assert said(micropython, firmware, code) == "31\nrefused"


def test_an_error_of_the_stack_leaves_the_lock_free(micropython: Micropython, firmware: Path) -> None:
    code = """
r.start()
r.rotate()
bluetooth.advertise_fails = 1
try:
    r.advertise(100, b'1')
except OSError as error:
    print(error.args[0], r.lock.held)
r.advertise(100, b'2')
print(bluetooth.on_air[1])
"""
    assert said(micropython, firmware, code) == "12 False\nb'2'"
