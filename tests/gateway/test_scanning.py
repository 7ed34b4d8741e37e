"""Which adapters, which modes, which patterns, and when silence is too long."""

from dataclasses import dataclass

import pytest

from zonetag_gateway.errors import SourceError
from zonetag_gateway.sources.scanning import Plan, patterns, plan


@dataclass
class State:
    name: str = "hci0"
    powered: bool = True
    power_state: str = "on"
    central: bool = True
    monitors: bool = True


@pytest.mark.parametrize(
    ("monitors", "scanning", "modes"),
    [
        (True, "auto", ("passive", "active")),
        (False, "auto", ("active",)),
        (True, "passive+active", ("passive", "active")),
        (True, "passive", ("passive",)),
        (True, "active", ("active",)),
        (False, "active", ("active",)),
    ],
)
def test_modes(monitors: bool, scanning: str, modes: tuple[str, ...]) -> None:
    assert plan([State(monitors=monitors)], [], scanning) == [Plan("hci0", modes)]


@pytest.mark.parametrize("scanning", ["passive", "passive+active"])
def test_passive_scanning_that_is_not_offered_is_an_error(scanning: str) -> None:
    with pytest.raises(SourceError, match="Experimental = true"):
        plan([State(monitors=False)], [], scanning)


def test_the_default_adapter_is_the_first_that_can_scan() -> None:
    adapters = [State("hci0", powered=False), State("hci1", central=False), State("hci2"), State("hci3")]
    assert plan(adapters, [], "active") == [Plan("hci2", ("active",))]


def test_several_adapters() -> None:
    adapters = [State("hci0"), State("hci1", monitors=False)]
    assert plan(adapters, ["hci1", "hci0"], "auto") == [
        Plan("hci1", ("active",)),
        Plan("hci0", ("passive", "active")),
    ]


@pytest.mark.parametrize(
    ("adapters", "wanted", "to_do"),
    [
        ([], [], "rfkill list"),
        ([State()], ["hci7"], "hci0"),
        ([State(powered=False, power_state="off-blocked")], [], "rfkill unblock"),
        ([State(powered=False, power_state="off")], [], "power on"),
        ([State(central=False)], [], "4.0"),
    ],
)
def test_errors_say_what_to_type(adapters: list[State], wanted: list[str], to_do: str) -> None:
    with pytest.raises(SourceError) as error:
        plan(adapters, wanted, "auto")
    assert to_do in error.value.to_do


def test_patterns() -> None:
    made = patterns(0x1234)
    # 7 x 34 bytes is what bluetoothd 5.66 can count in a byte; an 8th pattern kills it.
    assert 1 + 34 * len(made) <= 255
    assert made[0] == (0, 0xFF, b"\x34\x12")
    assert (0, 0x16, b"\xaa\xfe") in made  # how 5.66 compares
    assert (0, 0x16, b"\x30") in made  # how 5.82 does
    assert (0, 0x16, b"\x6f\xfd") in made
    assert (0, 0x16, b"\xff\xff") in made
    assert (0, 0xFF, b"\xb5\x22") in made
    assert all(kind != 0x01 for _, kind, _ in made)  # never Flags
    assert all(0 < len(data) <= 31 for _, _, data in made)
