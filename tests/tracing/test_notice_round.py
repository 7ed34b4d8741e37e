"""One round of sending notices: what happens meanwhile holds, and one that fails holds up no other."""

from typing import Any

import pytest
from rig.receivers import NOW_MS, PostOffice, in_line
from rig.world import World

from zonetag_backend.notices.email import Email, Mail
from zonetag_backend.notices.outgoing import NotSent, Outgoing
from zonetag_backend.notices.schedule import WAITS_MS
from zonetag_backend.store import cases, notices
from zonetag_backend.store.engine import reading, writing


class Meddler:
    """A way that takes everything, after something has happened meanwhile."""

    channel = "webhook"

    def __init__(self, world: World, statement: str = "", clock: list[int] | None = None) -> None:
        self.world, self.statement, self.clock = world, statement, clock
        self.sent: list[tuple[int, int]] = []  # person's number, and the time that was signed

    def send(self, notice: Outgoing, now_ms: int) -> str:
        self.sent.append((int(notice.code), now_ms))
        if self.statement:
            with writing(self.world.database) as connection:
                connection.exec_driver_sql(self.statement.format(other=5 - int(notice.code)))
        if self.clock:
            self.clock[0] += 10 * 60_000
        return "taken"


@pytest.mark.parametrize(
    ("meanwhile", "told"),
    [
        ("", 2),
        (f"UPDATE case_record SET closed_ms = {NOW_MS}", 1),
        ("INSERT INTO restriction (person, since_ms) VALUES ({other}, 0)", 1),
        ("DELETE FROM case_notice WHERE person = {other}", 1),
        (
            'INSERT INTO case_notice (id, "case", person, channel, language, text, made_ms, tried_ms, tries, sent_ms,'
            " answer) SELECT 7, \"case\", person, 'phone', 'vi', '', 1, 1, 1, 1, '' FROM case_notice"
            " WHERE person = {other} AND channel = 'webhook'",
            1,
        ),
    ],
)
def test_what_is_decided_while_notices_go_out_holds_for_the_next(
    world: World, case: int, meanwhile: str, told: int
) -> None:
    in_line(world, case, "webhook")
    way = Meddler(world, meanwhile)
    assert notices.send_due(world.database, {"webhook": way}, lambda: NOW_MS) == (told, 0)
    assert len({who for who, _ in way.sent}) == told


def test_each_is_signed_with_the_time_at_which_it_goes_out(world: World, case: int) -> None:
    """A receiver refuses what was signed five minutes ago, and a round may take longer."""
    in_line(world, case, "webhook")
    clock = [NOW_MS]
    way = Meddler(world, clock=clock)
    notices.send_due(world.database, {"webhook": way}, lambda: clock[0])
    assert [at for _, at in way.sent] == [NOW_MS, NOW_MS + 10 * 60_000]
    with reading(world.database) as connection:
        sent = sorted(row.sent_ms for row in cases.notices_of(connection, case))
    assert sent == [NOW_MS + n * 600_000 for n in (1, 2)]


def test_one_that_cannot_be_sent_keeps_no_other_from_it(
    world: World, case: int, caplog: pytest.LogCaptureFixture
) -> None:
    in_line(world, case, "webhook")

    class Faulty(Meddler):
        def send(self, notice: Outgoing, now_ms: int) -> str:
            if notice.code == "2":
                raise KeyError("a fault of ours")
            return super().send(notice, now_ms)

    way = Faulty(world)
    assert notices.send_due(world.database, {"webhook": way}, lambda: NOW_MS) == (1, 1)
    assert "a fault of ours" in caplog.text
    assert notices.send_due(world.database, {"webhook": Meddler(world)}, lambda: NOW_MS + WAITS_MS[0]) == (1, 0)


def test_a_way_that_does_not_answer_holds_nobody_else_up(world: World, case: int, post: PostOffice) -> None:
    """Each silence takes 20 seconds; after two in a row the others get their turn, and it the next round."""
    in_line(world, case, "webhook")
    with writing(world.database) as connection:
        assert cases.add_notice(connection, case, 4, channel="webhook", language="vi", text="a\n\nb", now_ms=NOW_MS)
    in_line(world, case, "email")
    asked: list[int] = []

    class Silent(Meddler):
        def send(self, notice: Outgoing, now_ms: int) -> str:
            asked.append(notice.id)
            raise NotSent("no answer", silent=True)

    ways: dict[str, Any] = {
        "webhook": Silent(world),
        "email": Email(Mail(post.url, "", "", "zonetag@here.example", "{code}@here.example")),
    }
    assert notices.send_due(world.database, ways, lambda: NOW_MS) == (2, 2)
    assert (len(asked), len(post.messages)) == (2, 2)
    assert notices.send_due(world.database, ways, lambda: NOW_MS) == (0, 1), "the next one, in the next round"
    assert len(set(asked)) == 3
