"""An open case grows by itself when something comes for it; nobody is told of it by itself."""

import pytest
from rig.cases import REASON, entered, entries
from rig.ill import hear, outbreak
from rig.office import Office, at
from rig.pages import KEYRING, as_somebody

from zonetag_backend.events import Events
from zonetag_backend.store import heard, notices, rows
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.web.app import make_app
from zonetag_backend.web.casework import AGAIN_MS


def told(office: Office, case: int) -> int:
    """Tell F1, as the officer does; how many notices were new."""
    with writing(office.engine) as connection:
        return notices.compose(
            connection, case, ["webhook"], language="vi", office="Văn phòng", now_ms=office.now, floor_ms=0
        )


@pytest.mark.both_databases
def test_an_open_case_grows_by_itself_when_a_log_comes_home(office: Office, events: Events) -> None:
    app = make_app(office.engine, office.clock, events, keyring=KEYRING)
    get, look = as_somebody(app, office), app.state.desk.cases.look
    ill, [one], _ = outbreak(office, 1, 0)
    path = entered(get, ill)
    case = int(path.removeprefix("/cases/"))
    assert told(office, case) == 1
    office.now += AGAIN_MS
    assert look(office.now) is None, "nothing came"
    strangers = [office.person(name)[1] for name in ("Lê Văn Lạ", "Lê Thị Lạ")]
    hear(office, strangers[0], strangers[1], at("09:00", 19), received_ms=office.now)
    assert look(office.now) is None, "of others: nobody of the case"
    late, tag = office.person("Lê Thị Dung")
    hear(office, 1, tag, at("09:00", 19), received_ms=office.now - 120_000)
    office.now -= 1
    assert look(office.now) is None, "not so soon after the last"
    office.now += 1
    assert look(office.now) == case
    get = get.named("sau", "health")  # half an hour later the first has to sign in again
    get.post(f"/reasons/{case}", reason=REASON)
    assert not get(f"{path}.json").json()["tracing"]
    twin = get(f"{path}.json").json()
    assert {each["person"] for each in twin["contacts"]} == {str(one), str(late)}
    assert twin["later"] == [{"at": "2026-11-20T15:00:00+07:00", "people": [str(late)]}]
    assert "Since 15:00 20/11/2026: 1 new" in get(f"{path}?lang=en").text
    assert "thêm 1 người" in get(f"{path}?lang=vi").text
    assert ("system", str(case), "traced") in entries(office, "case.change")
    assert look(office.now + AGAIN_MS) is None, "it is all in"
    get.post(path, act="trace")
    assert get(f"{path}.json").json()["later"] == twin["later"], "who was found when stays"
    with reading(office.engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM case_notice").scalar() == 1, "nobody is told by itself"
    assert told(office, case) == 1, "who came later, once the officer says so"
    assert told(office, case) == 0
    hear(office, 1, tag, at("11:00", 19), received_ms=office.now + 60_001)
    get.post(path, act="close")
    assert look(office.now + 2 * AGAIN_MS) is None, "it is closed"


@pytest.mark.both_databases
def test_a_report_that_comes_late_brings_an_open_case_up_to_date(office: Office, events: Events) -> None:
    app = make_app(office.engine, office.clock, events, keyring=KEYRING)
    get, look = as_somebody(app, office), app.state.desk.cases.look
    ill, _, _ = outbreak(office, 1, 0)
    case = int(entered(get, ill).removeprefix("/cases/"))
    office.now += AGAIN_MS
    for received_ms, came in ((office.now - 2 * AGAIN_MS, None), (office.now, case)):
        office.report("cua-1", received_ms)
        with writing(office.engine) as connection:
            table = heard.make(connection, "20261119")
            place, start_ms = connection.exec_driver_sql("SELECT id FROM place").scalar(), at("09:00", 19)
            rows.insert(
                connection,
                table,
                [(1, start_ms, "cua-1", 1 << 32, received_ms, 0, place, 8000, 9, -60, -60, -60, -60, 1, True)],
            )
        assert look(office.now) == came
