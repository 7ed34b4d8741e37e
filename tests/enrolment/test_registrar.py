"""What lets a gateway in, and what does not: tokens, keys, replays.  The real authority and database."""

import hashlib
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rig.registry import take
from rig.reports import Gateway, sealed
from rig.seat import DAY_MS, NOW_MS, Seat

from zonetag_backend.enrolment import PER_DAY, Refused
from zonetag_backend.store import certificates, refusals
from zonetag_backend.store.came import ReportCame
from zonetag_backend.store.engine import reading, writing
from zonetag_gateway.office import new_key, request_for
from zonetag_protocol import enrolment, envelope, report
from zonetag_protocol.enrolment import Renewal, Token
from zonetag_protocol.errors import Malformed


class Applicant:
    """A gateway's two keys."""

    def __init__(self) -> None:
        self.signing = Ed25519PrivateKey.generate()
        self.csr = request_for(new_key())

    def enrol(self, seat: Seat, token: Token) -> dict[str, object]:
        return seat.registrar.enrol(enrolment.seal_enrolment(token, self.csr, self.signing))

    def renew(self, seat: Seat, name: str = "gw1") -> dict[str, object]:
        return seat.registrar.renew(enrolment.seal_renewal(Renewal(name, self.csr), self.signing))

    def next_key(self) -> None:
        self.csr = request_for(new_key())


def refused(code: str, act: object, *args: object) -> None:
    with pytest.raises(Refused) as caught:
        act(*args)  # type: ignore[operator]  # a method of Applicant
    assert caught.value.code == code


def test_a_token_lets_one_gateway_in_once(seat: Seat) -> None:
    token, mine, other = seat.token(), Applicant(), Applicant()
    answer = mine.enrol(seat, token)
    assert (answer["site"], answer["name"], answer["broker"]) == ("hq", "gw1", "mqtts://office.lan:8883")
    leaf = x509.load_pem_x509_certificates(str(answer["certificate"]).encode())[0]
    assert leaf.not_valid_after_utc.timestamp() * 1000 == NOW_MS // 1000 * 1000 + 90 * DAY_MS
    assert mine.enrol(seat, token) == answer  # it got lost on the way
    refused("token-used", other.enrol, seat, token)
    assert seat.office.number("SELECT count(*) FROM certificate") == 1


def test_wrong_secrets_kill_a_token(seat: Seat) -> None:
    token, mine = seat.token(), Applicant()
    for _ in range(5):
        refused("token-wrong", mine.enrol, seat, replace(token, secret=bytes(16)))
    refused("token-dead", mine.enrol, seat, token)
    refused("token-unknown", mine.enrol, seat, replace(token, id=bytes(4)))
    mine.enrol(seat, seat.token())  # control: a good one does


def test_a_token_expires_and_the_next_one_takes_its_place(seat: Seat) -> None:
    token, mine = seat.token(hours=1), Applicant()
    seat.now_ms += 3_600_000
    refused("token-expired", mine.enrol, seat, token)
    second, third = seat.token(), seat.token()
    refused("token-unknown", mine.enrol, seat, second)
    mine.enrol(seat, third)


def test_only_hashes_of_tokens_are_stored(seat: Seat) -> None:
    token = seat.token()
    stored = seat.office.rows("SELECT * FROM enrolment_token")
    assert token.secret not in str(stored).encode() + b"".join(v for row in stored for v in row if isinstance(v, bytes))
    assert seat.office.rows("SELECT hash FROM enrolment_token") == [(hashlib.sha256(token.secret).digest(),)]


def test_requests_that_are_none(seat: Seat) -> None:
    token, mine = seat.token(), Applicant()
    good = enrolment.seal_enrolment(token, mine.csr, mine.signing)
    other = Ed25519PrivateKey.generate()
    for bad in (b"", b"\xff" * 9000, good[:-1], envelope.wrap(envelope.unwrap(good, "enrol"), "enrol", other)):
        refused("malformed", seat.registrar.enrol, bad)
    refused("bad-csr", seat.registrar.enrol, enrolment.seal_enrolment(token, b"no request", mine.signing))
    assert seat.office.number("SELECT count(*) FROM certificate") == 0
    mine.enrol(seat, token)  # the token has outlived it all


def test_renewal_is_signed_and_a_replay_gives_nothing_new(seat: Seat) -> None:
    mine = Applicant()
    first = mine.enrol(seat, seat.token())
    seat.now_ms += 60 * DAY_MS
    mine.next_key()
    second = mine.renew(seat)
    assert second["certificate"] != first["certificate"]
    assert mine.renew(seat) == second  # replayed, or a lost answer asked for again
    assert seat.office.number("SELECT count(*) FROM certificate") == 2
    seat.now_ms += 91 * DAY_MS
    refused("key-used", mine.renew, seat)  # replayed when it has ended: no new life
    mine.next_key()
    mine.renew(seat)
    stranger = Applicant()
    refused("not-signed", stranger.renew, seat)
    refused("not-registered", mine.renew, seat, "nobody")
    refused("not-signed", mine.renew, seat, "gw2")


def test_a_gateway_gets_so_many_certificates_a_day(seat: Seat) -> None:
    mine = Applicant()
    mine.enrol(seat, seat.token())
    for _ in range(PER_DAY - 1):
        mine.next_key()
        mine.renew(seat)
    mine.next_key()
    refused("too-many", mine.renew, seat)
    seat.now_ms += DAY_MS
    mine.renew(seat)


def test_a_revoked_gateway_is_out_until_it_is_enrolled_with_new_keys(seat: Seat) -> None:
    mine, waiting = Applicant(), seat.token()
    mine.enrol(seat, waiting)
    unused = seat.token()
    with writing(seat.office.database) as connection:
        certificates.revoke_gateway(connection, "gw1", seat.now_ms)
    mine.next_key()
    refused("revoked", mine.renew, seat)
    refused("token-expired", mine.enrol, seat, unused)
    refused("token-expired", mine.enrol, seat, waiting)
    seat.now_ms += 1000
    refused("key-used", mine.enrol, seat, seat.token())  # the old signing key stays out
    Applicant().enrol(seat, seat.token())


def test_whose_signature_counts(seat: Seat) -> None:
    """Every row of the table in SPEC.md section 7.1, counted by name, and never acknowledged."""
    old, new, other = Applicant(), Applicant(), Applicant()
    old.enrol(seat, seat.token("gw1"))
    other.enrol(seat, seat.token("gw2"))
    writer, gateway = seat.office.writer(), Gateway("gw1", start_ms=NOW_MS)

    def send(key: Ed25519PrivateKey | None, base_ms: int = NOW_MS - 1000, name: str = "") -> tuple[int, dict[str, int]]:
        made = (Gateway(name) if name else gateway).report(base_ms=base_ms)
        data = envelope.wrap(report.encode(made), "report") if key is None else sealed(made, key)
        opened = envelope.take_apart(data)
        done = writer.write([ReportCame("hq", made, report.hash_of(opened.payload), opened)], NOW_MS)
        assert bool(done.acknowledgements) == bool(done.reports)
        return done.reports, dict(done.unsigned)

    assert send(old.signing) == (1, {})
    assert send(None) == (0, {"unsigned": 1})
    assert send(Ed25519PrivateKey.generate()) == (0, {"forged": 1})
    assert send(other.signing) == (0, {"other-gateway": 1})
    assert send(None, name="gw3") == (0, {"not-enrolled": 1})
    seat.now_ms += 1000
    new.enrol(seat, seat.token("gw1"))
    assert send(new.signing, seat.now_ms + 1) == (1, {})
    assert send(old.signing, NOW_MS + 1000) == (1, {})  # late: captured while that was its key
    assert send(old.signing, NOW_MS + 1010) == (0, {"old-key": 1})
    with writing(seat.office.database) as connection:
        certificates.revoke_gateway(connection, "gw1", seat.now_ms)
    for key in (new.signing, old.signing, None):
        assert send(key) == (0, {"revoked": 1})
    with reading(seat.office.database) as connection:
        assert refusals.totals(connection) == {
            "gw1": {"unsigned": 1, "forged": 1, "other-gateway": 1, "old-key": 1, "revoked": 3},
            "gw3": {"not-enrolled": 1},
        }
    assert seat.office.number("SELECT count(*) FROM report") == 3


def test_control_where_unsigned_reports_are_allowed_they_are_taken(seat: Seat) -> None:
    seat.office.enrolled = False
    assert take(seat.office.writer(), Gateway("gw3").report()).reports == 1
    Applicant().enrol(seat, seat.token("gw1"))
    made = Gateway("gw1").report()
    opened = envelope.take_apart(envelope.wrap(report.encode(made), "report"))
    done = seat.office.writer().write([ReportCame("hq", made, report.hash_of(opened.payload), opened)], NOW_MS)
    assert dict(done.unsigned) == {"unsigned": 1}  # but never of one that is enrolled


@pytest.mark.parametrize("slip", range(0, 71, 5))
def test_a_mistyped_token_is_found_before_anything_is_sent(seat: Seat, slip: int) -> None:
    text = seat.token().text
    assert Token.read(text.upper().replace("-", " ")).text == text
    if text[slip] != "-":
        wrong = text[:slip] + ("a" if text[slip] != "a" else "b") + text[slip + 1 :]
        with pytest.raises(Malformed):
            Token.read(wrong)
