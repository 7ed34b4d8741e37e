"""The desk of all links within the writer's transaction: who is called, and what a gateway may not do to a session."""

import json
from pathlib import Path

import pytest
from rig.registry import Office, came, make_office
from rig.reports import NOW_MS, Gateway

from zonetag_backend.ingest import Ingest
from zonetag_backend.link import calls
from zonetag_backend.store import tag_link
from zonetag_backend.store.came import HealthCame, UplinkCame
from zonetag_backend.store.engine import writing
from zonetag_backend.store.link_desk import Desk
from zonetag_backend.store.writer import Writer
from zonetag_protocol import carriage, envelope, link
from zonetag_protocol import linkmessage as say
from zonetag_protocol.carriage import Downlink, Uplink
from zonetag_protocol.rotation import epoch_of

LATER_MS = NOW_MS + 1_000


class Scene:
    """A tag that shall blink, its end of the link, and two gateways that hear it."""

    def __init__(self, folder: Path) -> None:
        self.office: Office = make_office(folder)
        self.tag = self.office.add_tag("A-1")
        self.ingest = Ingest(self.office.keyring.open, 3, 300_000)
        self.desk = Desk(self.ingest, 900)
        self.writer = Writer(self.office.database, self.ingest, allow_unsigned=True, desk=self.desk)
        self.gateways = {name: Gateway(name) for name in ("gw1", "gw2")}
        with writing(self.office.database) as connection:
            tag_link.order_find(connection, self.tag, 60, NOW_MS)

    def able(self, *names: str) -> None:
        self.writer.write([HealthCame("hq", name, json.dumps({"link": {}})) for name in names], NOW_MS)

    def heard(self, name: str, at_ms: int = NOW_MS, *, now_ms: int = LATER_MS) -> list[Downlink]:
        made = self.gateways[name].report(self.office.tag(self.tag).window(at_ms))
        return [down for _, down in self.writer.write([came(made)], now_ms).downlinks]

    def say(self, *ups: Uplink, now_ms: int = LATER_MS) -> list[Downlink]:
        group = [
            UplinkCame("hq", up, envelope.take_apart(envelope.wrap(carriage.encode_up(up), "uplink"))) for up in ups
        ]
        return [down for _, down in self.writer.write(group, now_ms).downlinks]

    def answered(self, call: Downlink) -> tuple[link.End, Uplink]:
        """The tag's end behind a call, and what its gateway carries first."""
        t = self.office.tag(self.tag).t_ms(NOW_MS) // 1000
        end = link.tag_end(self.office.tag(self.tag).keys.link, epoch_of(t), bytes(8))
        assert end.receive(call.messages[0]) is None
        status = say.Status(
            t, 9, 500, (0, 1, 0), say.CONFIRMED, b"log1", 1, 1, LATER_MS // 1000, bytes(4), 0, (0,) * 11
        )
        sealed = end.seal(say.STATUS, say.pack_status(status))
        return end, Uplink(call.gateway, call.session, 0, (end.answer(), sealed))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "office")


def test_only_a_gateway_that_takes_calls_is_called_and_one_for_a_tag(scene: Scene) -> None:
    assert scene.heard("gw1") == []
    scene.able("gw1", "gw2")
    [call] = scene.heard("gw1", NOW_MS + 100)
    assert (call.gateway, call.number, call.eid) == ("gw1", 0, scene.office.tag(scene.tag).advert(NOW_MS)[13:21])
    assert scene.heard("gw2", NOW_MS + 200) == [], "it is being called"


def test_a_session_is_told_in_order_and_settles_the_order(scene: Scene) -> None:
    scene.able("gw1")
    [call] = scene.heard("gw1")
    end, first = scene.answered(call)
    [down] = scene.say(first)
    got = end.receive(down.messages[0])
    assert got is not None
    assert (got.type, down.number, down.over) == (say.FIND_ME, 1, False)
    assert scene.say(first) == [], "a repeated message changes nothing"
    assert scene.desk.counts["repeated"] == 1
    done = end.seal(say.DONE, say.pack_done(say.FIND_ME, say.OK))
    [bye] = scene.say(Uplink("gw1", call.session, 1, (done,)))
    assert bye.over
    assert scene.office.rows("SELECT state FROM link_order") == [("done",)]
    assert scene.office.rows("SELECT battery, version, gateway FROM tag_link") == [(500, "0.1.0", "gw1")]
    assert scene.office.rows("SELECT confirmed FROM tag_clock") == [(1,)], "its clock was proved"


def test_what_is_missing_forged_or_of_another_gateway_ends_nothing_but_the_session(scene: Scene) -> None:
    scene.able("gw1")
    [call] = scene.heard("gw1")
    _, first = scene.answered(call)
    [stray] = scene.say(Uplink("gw2", call.session, 0, first.messages))
    assert (stray.gateway, stray.over) == ("gw2", True)
    [over] = scene.say(Uplink("gw1", call.session, 1, first.messages))
    assert over.over, "number 0 did not come"
    assert scene.office.number("SELECT count(*) FROM tag_link") == 0
    later = NOW_MS + 30_000
    [again] = scene.heard("gw1", later, now_ms=later)
    end, _ = scene.answered(again)
    forged = Uplink("gw1", again.session, 0, (end.answer(), b"\3" + bytes(70)))
    [over] = scene.say(forged, now_ms=later)
    assert over.over
    assert scene.desk.counts["forged"] == 1
    assert scene.office.rows("SELECT state FROM link_order") == [("waiting",)]


def test_a_flood_of_sessions_that_nobody_opened_is_answered_and_leaves_nothing(scene: Scene) -> None:
    scene.able("gw1")
    ups = [Uplink("gw1", number.to_bytes(8, "big"), 0, (bytes(500),)) for number in range(1, 200)]
    downs = scene.say(*ups)
    assert len(downs) == len(ups)
    assert all(down.over and not down.messages for down in downs)
    assert scene.desk.counts["unknown-session"] == len(ups)
    strangers = Uplink("nobody", bytes(8), 0, (b"x",))
    assert scene.say(strangers) == [], "an unregistered gateway gets no answer"


def test_a_tag_that_walked_on_before_it_answered_is_called_where_it_is(scene: Scene) -> None:
    scene.able("gw1", "gw2")
    [call] = scene.heard("gw1")
    assert scene.heard("gw1", NOW_MS + 30_000, now_ms=NOW_MS + 31_000) == []
    later = NOW_MS + 30_000 + calls.ELSEWHERE_MS
    assert scene.heard("gw2", later - 3_000, now_ms=later) == [], "its gateway may hear nothing while it connects"
    [off, on] = scene.heard("gw2", later + 1_000, now_ms=later + 2_000)
    assert (off.gateway, off.session, off.over) == ("gw1", call.session, True)
    assert (on.gateway, on.number) == ("gw2", 0)


def test_a_session_under_way_is_not_broken_off_because_the_tag_is_heard_elsewhere(scene: Scene) -> None:
    scene.able("gw1", "gw2")
    [call] = scene.heard("gw1")
    scene.say(scene.answered(call)[1])
    later = NOW_MS + calls.ELSEWHERE_MS
    scene.desk._lines[call.session].until_ms = later * 2  # it says something all the time
    assert scene.heard("gw2", later + 1_000, now_ms=later + 2_000) == []


def test_after_a_silence_the_tag_is_called_elsewhere(scene: Scene) -> None:
    scene.able("gw1", "gw2")
    [call] = scene.heard("gw1")
    later = NOW_MS + 200_000
    downs = scene.heard("gw2", later, now_ms=later)
    assert [(down.gateway, down.over, down.session == call.session) for down in downs] == [
        ("gw1", True, True),
        ("gw2", False, False),
    ]
