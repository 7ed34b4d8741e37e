"""Notices: what they say, and that nobody is told twice; against a real HTTP server and a real SMTP conversation."""

import hashlib
import hmac
import json
import signal
import subprocess
import sys
import threading
from datetime import UTC
from email import message_from_string, policy
from functools import partial
from typing import Any

import pytest
from rig.receivers import NOW_MS, SECRET, PostOffice, Receiver, in_line
from rig.world import BEGIN_MS, DAY_MS, World
from sqlalchemy import insert

from zonetag_backend.notices.email import Email, Mail
from zonetag_backend.notices.outgoing import NotSent, Outgoing
from zonetag_backend.notices.schedule import MOST_TRIES, WAITS_MS, is_due
from zonetag_backend.notices.webhook import Webhook
from zonetag_backend.reports.notice import LANGUAGES, Reason, notice
from zonetag_backend.store import cases, notices
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.schema.office import visitor
from zonetag_backend.store.tracing import names
from zonetag_backend.tracing.profile import PROFILES


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
