"""Profiles: what stands in the settings, and what cannot."""

from pathlib import Path

import pytest

from zonetag_backend.config import load
from zonetag_backend.errors import ConfigError
from zonetag_backend.tracing.profile import DAY_MS, HOUR_MS, PROFILES, infected, infectious


def load_text(folder: Path, text: str) -> object:
    (folder / "zonetag.toml").write_text(text)
    return load(folder / "zonetag.toml").profiles


def test_an_office_sets_its_own(tmp_path: Path) -> None:
    (tmp_path / "zonetag.toml").write_text("[profile.covid-19]\nminutes = 10\n[profile.pertussis]\nlatent_h = 72\n")
    profiles = load(tmp_path / "zonetag.toml").profiles
    assert profiles["covid-19"].minutes == 10
    assert profiles["covid-19"].before_h == PROFILES["covid-19"].before_h
    assert (profiles["pertussis"].name, profiles["pertussis"].latent_h) == ("pertussis", 72)
    assert profiles["measles"] == PROFILES["measles"]


@pytest.mark.parametrize(
    "line",
    [
        "minutes = 0",
        "minutes = 1.5",
        "minutes = true",
        "probability = 1.0",
        'by_place = "no"',
        "metres = 2",
        "name = 3",
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match=line.split(maxsplit=1)[0]):
        load_text(tmp_path, f"[profile.covid-19]\n{line}\n")


def test_a_name_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        load_text(tmp_path, '[profile."Covid 19"]\nminutes = 10\n')


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_figures_are_sensible_and_have_a_source(name: str) -> None:
    each = PROFILES[name]
    assert len(each.source) > 20
    low, high = infectious(each, 0)
    assert low < 0 < high
    first, last = infected(each, 0)
    assert first < last <= DAY_MS
    assert each.latent_h * HOUR_MS <= each.incubation_h * HOUR_MS
