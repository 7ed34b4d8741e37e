"""From the floor of a simulated office to the page: F1 as the simulator knows them."""

from pathlib import Path

from rig.office import ZONE, Office
from rig.office_day import live
from rig.pages import KEYRING, as_somebody

from zonetag_backend.events import Events
from zonetag_backend.simulate.office import Office as Simulated
from zonetag_backend.web.app import make_app
from zonetag_backend.web.times import local

PEOPLE, HOURS, SEED = 10, 2, 5
MINUTES = 15  # as the profile has it


def test_the_page_says_what_happened(tmp_path: Path) -> None:
    day = live(Simulated(SEED, HOURS * 3600.0, PEOPLE), tmp_path / "office", SEED)
    office = Office(day.office.database, now=day.now_ms)
    truth = day.met(MINUTES)
    ill = max(range(PEOPLE), key=lambda one: sum(one in pair for pair in truth))
    near = {sum(pair) - ill for pair in truth if ill in pair}
    get = as_somebody(make_app(office.engine, office.clock, Events(), keyring=KEYRING), office)
    fields = {"basis": "onset", "profile": "covid-19", "reason": "xét nghiệm dương tính"}
    today = local(day.now_ms, ZONE).date().isoformat()
    answer = get.post("/cases", person=str(day.people[ill]), day=today, **fields)
    assert answer.status_code == 303, answer.text
    twin = get(f"{answer.headers['location']}.json").json()
    found = {day.people.index(int(each["person"])): each for each in twin["contacts"]}
    assert near
    assert len(near & found.keys()) >= 0.9 * len(near), (near, found.keys())
    # Whoever is listed beside them was near, if not for so long: nobody who was never there.
    for other in found.keys() - near:
        assert day.minutes.get((min(ill, other), max(ill, other)), 0) >= 1, other
    page = get(answer.headers["location"]).text
    for other, each in found.items():
        assert f"Person {other}" in page
        [touch] = each["days"]
        assert touch["evidence"] == "direct"
        assert touch["low"] <= touch["minutes"] <= touch["high"]
