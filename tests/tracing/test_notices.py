"""Notices: what they say, and that nobody is told twice; against a real HTTP server and a real SMTP conversation."""

import hashlib
import hmac
import json
import signal
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC
from email import message_from_string, policy
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from rig.world import BEGIN_MS, DAY_MS, HOUR_MS, World
from sqlalchemy import insert

from zonetag_backend.notices.email import Email, Mail
from zonetag_backend.notices.outgoing import NotSent, Outgoing
from zonetag_backend.notices.schedule import MOST_TRIES, WAITS_MS, is_due
from zonetag_backend.notices.webhook import Webhook
from zonetag_backend.reports.notice import LANGUAGES, Reason, notice
from zonetag_backend.store import cases, notices
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.schema.office import visitor
from zonetag_backend.store.tracing import names, traced
from zonetag_backend.tracing.profile import PROFILES

SECRET = b"a secret of sixteen bytes and more"
NOW_MS = BEGIN_MS + DAY_MS


class Receiver:
    """A receiver of webhooks: answers what `answers` says, then 200."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.lies: dict[str, str] = {}  # headers of the next answer that do not fit it
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.kills: subprocess.Popen[str] | None = None  # who does not live to hear the answer
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.came.append((dict(self.headers), body))
                if receiver.kills is not None:
                    receiver.kills.kill()
                    receiver.kills.wait()
                    receiver.kills = None
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Location", "/elsewhere")
                for name, value in receiver.lies.items():
                    self.send_header(name, value)
                receiver.lies = {}
                self.end_headers()
                self.wfile.write(b"said")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/notices?from=zonetag"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class PostOffice:
    """As much of an SMTP server (RFC 5321) as a client needs that has one message."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []  # recipient, what came after DATA
        self.refuse = False
        self.goodbye = "221 bye"  # empty: hangs up
        office = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                def say(line: str) -> None:
                    self.wfile.write(line.encode() + b"\r\n")

                say("220 here")
                recipient = ""
                while line := self.rfile.readline().decode():
                    word = line.split()[0].upper()
                    if word == "RCPT":
                        recipient = line.split("<")[1].split(">")[0]
                        say("550 nobody" if office.refuse else "250 ok")
                    elif word == "DATA":
                        say("354 go on")
                        lines = []
                        while (more := self.rfile.readline().decode()) != ".\r\n":
                            lines.append(more)
                        office.messages.append((recipient, "".join(lines)))
                        say("250 taken")
                    elif word == "QUIT":
                        if office.goodbye:
                            say(office.goodbye)
                        return
                    else:
                        say("250 ok")

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.url = f"smtp://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def post() -> Iterator[PostOffice]:
    made = PostOffice()
    yield made
    made.close()


@pytest.fixture
def case(world: World) -> int:
    """Person 1 fell ill; 2 and 3 had been close."""
    world.people(4, 4, 1)
    for person in range(1, 5):
        world.wear(person, person)
    for peer in (2, 3):
        for epoch in range(3):
            world.hear(1, peer, BEGIN_MS + 2 * HOUR_MS + epoch * 1_024_000, range(32))
    with writing(world.database) as connection:
        which = cases.open_case(connection, 1, "covid-19", BEGIN_MS, "onset", by="me", reason="ill", now_ms=NOW_MS)
        found = traced(connection, 1, (BEGIN_MS - DAY_MS, NOW_MS), PROFILES["covid-19"], floor_ms=0)
        assert cases.keep_exposures(connection, which, found, NOW_MS) == 2
    return which


def in_line(world: World, case: int, *channels: str) -> int:
    with writing(world.database) as connection:
        return notices.compose(connection, case, list(channels), language="vi", office="Văn phòng", now_ms=NOW_MS)


def test_a_webhook_bears_a_signature_that_the_receiver_can_check(world: World, case: int, receiver: Receiver) -> None:
    assert in_line(world, case, "webhook") == 2
    assert notices.send_due(world.database, {"webhook": Webhook(receiver.url, SECRET)}, lambda: NOW_MS) == (2, 0)
    assert len(receiver.came) == 2
    for headers, body in receiver.came:
        stamp, mac = (part.split("=")[1] for part in headers["Zonetag-Signature"].split(","))
        assert hmac.new(SECRET, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest() == mac
        told: dict[str, Any] = json.loads(body)
        assert headers["Idempotency-Key"] == told["id"]
        assert told["code"] in {"2", "3"}
        assert "COVID-19" in told["subject"]
        assert "P1" not in told["text"]  # whoever was ill is not named


def test_nobody_is_told_twice(world: World, case: int, receiver: Receiver) -> None:
    ways = {"webhook": Webhook(receiver.url, SECRET)}
    for _ in range(3):
        in_line(world, case, "webhook")
        notices.send_due(world.database, ways, lambda: NOW_MS)
    assert len(receiver.came) == 2
    with reading(world.database) as connection:
        assert all(row.sent_ms == NOW_MS and row.tries == 1 for row in cases.notices_of(connection, case))


SENDER = """
import sys
from zonetag_backend.notices.webhook import Webhook
from zonetag_backend.store import notices
from zonetag_backend.store.engine import open_database
database = open_database(sys.argv[1])
sys.stdin.readline()
print(notices.send_due(database, {"webhook": Webhook(sys.argv[2], sys.argv[3].encode())}, lambda: int(sys.argv[4])))
"""


def test_killed_between_sending_and_noting_it_is_sent_again_under_the_same_number(
    world: World, case: int, receiver: Receiver
) -> None:
    in_line(world, case, "webhook")
    url = world.database.url.render_as_string()
    words = [sys.executable, "-c", SENDER, url, receiver.url, SECRET.decode(), str(NOW_MS)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sender:
        receiver.kills = sender
        said, _ = sender.communicate("go\n")
    assert (sender.returncode, said) == (-signal.SIGKILL, ""), "the control: it did not come to noting it"
    ways = {"webhook": Webhook(receiver.url, SECRET)}
    with reading(world.database) as connection:
        tried = {each.person: (each.tries, each.sent_ms) for each in cases.notices_of(connection, case)}
    assert sorted(tried.values()) == [(0, None), (1, None)], "the try was committed before it was made"
    assert notices.send_due(world.database, ways, lambda: NOW_MS + 1000) == (1, 0), (
        "the other one; this one after its wait"
    )
    assert notices.send_due(world.database, ways, lambda: NOW_MS + WAITS_MS[0]) == (1, 0)
    assert notices.send_due(world.database, ways, lambda: NOW_MS + WAITS_MS[-1]) == (0, 0)
    first, other, again = (head["Idempotency-Key"] for head, _ in receiver.came)
    assert first == again != other, "a receiver that looks at the number tells each person once"


def test_a_visitor_is_told_at_the_number_that_the_desk_wrote_down(world: World, case: int, receiver: Receiver) -> None:
    with writing(world.database) as connection:
        connection.execute(
            insert(visitor).values(person=2, host="Lê Văn Cường", phone="0912 000 111", lent_ms=BEGIN_MS)
        )
        assert names(connection, [2, 3])[2][1] == "Lê Văn Cường · 0912 000 111"
    in_line(world, case, "webhook")
    assert notices.send_due(world.database, {"webhook": Webhook(receiver.url, SECRET)}, lambda: NOW_MS) == (2, 0)
    assert sorted(json.loads(body)["phone"] for _, body in receiver.came) == ["", "0912 000 111"]


def test_two_programs_at_once_send_each_once(world: World, case: int, receiver: Receiver) -> None:
    in_line(world, case, "webhook")
    together = threading.Barrier(4)

    def send() -> None:
        together.wait()
        notices.send_due(world.database, {"webhook": Webhook(receiver.url, SECRET)}, lambda: NOW_MS)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receiver.came) == 2


@pytest.mark.parametrize("status", [500, 404, 302])
def test_what_was_not_taken_is_tried_again_later_under_the_same_number(
    world: World, case: int, receiver: Receiver, status: int
) -> None:
    ways = {"webhook": Webhook(receiver.url, SECRET)}
    in_line(world, case, "webhook")
    receiver.answers = [status, status]
    assert notices.send_due(world.database, ways, lambda: NOW_MS) == (0, 2)
    assert notices.send_due(world.database, ways, lambda: NOW_MS + WAITS_MS[0] - 1) == (0, 0)
    assert notices.send_due(world.database, ways, lambda: NOW_MS + WAITS_MS[0]) == (2, 0)
    ids = [json.loads(body)["id"] for _, body in receiver.came]
    assert sorted(ids[:2]) == sorted(ids[2:])


def test_a_receiver_that_is_not_there_is_not_asked_for_ever(world: World, case: int) -> None:
    ways = {"webhook": Webhook("http://127.0.0.1:9/", SECRET)}
    in_line(world, case, "webhook")
    now, tries = NOW_MS, 0
    for _ in range(MOST_TRIES + 5):
        tries += notices.send_due(world.database, ways, partial(int, now))[1]
        now += DAY_MS
    assert tries == 2 * MOST_TRIES


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


def test_a_closed_case_tells_nobody(world: World, case: int, receiver: Receiver) -> None:
    in_line(world, case, "webhook")
    with writing(world.database) as connection:
        cases.close_case(connection, case, NOW_MS)
    assert notices.send_due(world.database, {"webhook": Webhook(receiver.url, SECRET)}, lambda: NOW_MS) == (0, 0)


def test_mail(world: World, case: int, post: PostOffice) -> None:
    way = Email(Mail(post.url, "", "", "Y tế <y-te@office.example>", "{code}@office.example"))
    in_line(world, case, "email")
    assert notices.send_due(world.database, {"email": way}, lambda: NOW_MS) == (2, 0)
    assert sorted(to for to, _ in post.messages) == ["2@office.example", "3@office.example"]
    message = message_from_string(post.messages[0][1], policy=policy.default)
    assert "COVID-19" in message["Subject"]
    body = message.get_body()
    assert body is not None
    assert "đã nghe thấy nhau" in body.get_content()


@pytest.mark.parametrize("code", ["", "7, everybody@elsewhere.example", "7\nBcc: x@y", "a b"])
def test_a_staff_number_cannot_name_another_recipient(post: PostOffice, code: str) -> None:
    way = Email(Mail(post.url, "", "", "y-te@office.example", "{code}@office.example"))
    with pytest.raises(NotSent):
        way.send(Outgoing(1, code, "An", "vi", "s", "t"), NOW_MS)
    assert post.messages == []


def test_a_mail_that_the_server_refuses_is_not_sent(post: PostOffice) -> None:
    post.refuse = True
    way = Email(Mail(post.url, "", "", "y-te@office.example", "{code}@office.example"))
    with pytest.raises(NotSent, match="nobody"):
        way.send(Outgoing(1, "7", "An", "vi", "s", "t"), NOW_MS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("evidence", ["direct", "place"])
@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_a_notice_says_why(language: str, evidence: str, profile: str) -> None:
    reason = Reason(BEGIN_MS, evidence, 24.6, 0.6)
    told = notice("An {why}", [reason], profile=profile, language=language, zone=UTC, office="Office")
    assert "An {why}" in told.text
    assert "25" in told.text
    assert "{" not in told.text.replace("{why}", "")
    assert ("21/09/2026" if language == "vi" else "21 September 2026") in told.text


def test_where_the_place_is_enough_nobody_is_said_to_have_been_close() -> None:
    reason = Reason(BEGIN_MS, "place", 24.6, 1.0)
    for language, close, enough in (("en", "close to each other", "enough to catch it"), ("vi", "ở gần nhau", "đã đủ")):
        told = notice("An", [reason], profile="measles", language=language, zone=UTC, office="Office").text
        assert (close in told, enough in told) == (False, True)


def test_a_try_of_a_clock_that_was_wrong_is_not_waited_for() -> None:
    years = 4 * 365 * DAY_MS
    assert is_due(1, NOW_MS + years, NOW_MS)
    assert not is_due(MOST_TRIES, NOW_MS + years, NOW_MS)
    assert not is_due(1, NOW_MS + 1000, NOW_MS), "another program's, a moment ago"


@pytest.mark.parametrize("words", ["250 yes", "421 going down", "nonsense", ""])
def test_what_is_said_to_goodbye_undoes_nothing(post: PostOffice, words: str) -> None:
    """Else a mail that was taken is sent again and again."""
    post.goodbye = words
    way = Email(Mail(post.url, "", "", "zonetag@here.example", "{code}@here.example"))
    assert way.send(Outgoing(1, "7", "An", "vi", "s", "t"), NOW_MS) == "taken by the mail server"
    assert len(post.messages) == 1


@pytest.mark.parametrize("lie", [{"Content-Length": "100"}, {"Transfer-Encoding": "chunked"}])
def test_a_status_decides_whatever_follows_it(receiver: Receiver, lie: dict[str, str]) -> None:
    """The receiver took it, and its connection breaks before the rest of its answer is there."""
    receiver.lies = lie
    assert Webhook(receiver.url, SECRET).send(Outgoing(1, "7", "An", "vi", "s", "t"), NOW_MS).startswith("200")
    receiver.lies, receiver.answers = lie, [500]
    with pytest.raises(NotSent, match="500"):
        Webhook(receiver.url, SECRET).send(Outgoing(1, "7", "An", "vi", "s", "t"), NOW_MS)


def test_a_url_that_no_request_can_bear_is_an_answer_too() -> None:
    with pytest.raises(NotSent):
        Webhook("http://127.0.0.1:1/tin nhắn", SECRET).send(Outgoing(1, "7", "An", "vi", "s", "t"), NOW_MS)


def test_waits_grow_and_end() -> None:
    assert is_due(0, None, 0)
    assert not is_due(1, 0, WAITS_MS[0] - 1)
    assert is_due(1, 0, WAITS_MS[0])
    assert not is_due(MOST_TRIES, 0, 1 << 60)
    assert list(WAITS_MS) == sorted(WAITS_MS)
