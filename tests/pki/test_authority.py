"""What is signed, checked by two others: the openssl program, and the verifier of the cryptography package."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from rig.tls_broker import OfficeRig, request

from zonetag_backend.errors import AlreadyThere, BadRequest, PkiError
from zonetag_backend.pki import authority, folder, profile, revocation, watch
from zonetag_backend.pki.folder import Folder
from zonetag_backend.store.engine import writing

NOW_MS = 1_790_000_000_000
DAY_MS = profile.DAY_MS
PASSPHRASE = "correct horse battery"


@pytest.fixture(scope="module")
def root() -> authority.Authority:
    return authority.init_root(NOW_MS)


@pytest.fixture(scope="module")
def issuing(root: authority.Authority) -> authority.Authority:
    return authority.init_issuing(root, NOW_MS)


def of_gateway(issuing: authority.Authority, name: str = "gw1") -> x509.Certificate:
    return authority.issue_gateway(issuing, request(authority.new_key(), "whatever"), name, NOW_MS).certificate


def builder(root: authority.Authority, at_ms: int = NOW_MS) -> PolicyBuilder:
    return PolicyBuilder().store(Store([root.certificate])).time(datetime.fromtimestamp(at_ms / 1000, UTC))


def test_a_gateways_certificate_says_what_the_profile_says(issuing: authority.Authority) -> None:
    made = of_gateway(issuing)
    by = made.extensions.get_extension_for_class
    assert authority.common_name(made) == "gw1"
    assert authority.span_ms(made) == (NOW_MS - DAY_MS, NOW_MS + 90 * DAY_MS) or authority.span_ms(made)[0] == NOW_MS
    assert by(x509.BasicConstraints).critical
    assert not by(x509.BasicConstraints).value.ca
    usage = by(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert list(by(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    names = by(x509.SubjectAlternativeName).value.get_values_for_type(x509.UniformResourceIdentifier)
    assert names == ["urn:zonetag:gateway:gw1"]
    assert made.serial_number.bit_length() > 100
    assert by(x509.AuthorityKeyIdentifier).value.key_identifier == (
        issuing.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    )


def test_another_verifier_takes_what_it_should_and_nothing_else(
    root: authority.Authority, issuing: authority.Authority
) -> None:
    gateway, between = of_gateway(issuing), [issuing.certificate]
    server = authority.issue_server(issuing, ["broker.local", "192.0.2.7"], NOW_MS).certificate
    as_client = builder(root).build_client_verifier()
    as_server = builder(root).build_server_verifier(x509.DNSName("broker.local"))
    assert as_client.verify(gateway, between).chain[-1] == root.certificate
    assert as_server.verify(server, between)[-1] == root.certificate
    for verifier, wrong in ((as_client, server), (as_server, gateway)):
        with pytest.raises(VerificationError):
            verifier.verify(wrong, between)
    for late in (NOW_MS + 90 * DAY_MS + 1000, NOW_MS - 2 * DAY_MS):
        with pytest.raises(VerificationError):
            builder(root, late).build_client_verifier().verify(gateway, between)
    other = authority.init_root(NOW_MS)
    with pytest.raises(VerificationError):
        builder(other).build_client_verifier().verify(gateway, between)


def test_an_issuing_authority_makes_no_authorities(root: authority.Authority, issuing: authority.Authority) -> None:
    """pathlen 0: whoever steals its key cannot hide another one behind it."""
    under = authority.init_issuing(issuing, NOW_MS)
    gateway = of_gateway(under)
    with pytest.raises(VerificationError):
        builder(root).build_client_verifier().verify(gateway, [under.certificate, issuing.certificate])


def test_openssl_agrees(
    require: Callable[..., str], root: authority.Authority, issuing: authority.Authority, tmp_path: Path
) -> None:
    openssl = require("openssl", "apt-get install openssl")
    gateway, other = of_gateway(issuing), of_gateway(issuing, "gw2")
    made = revocation.crl(issuing, [revocation.Revoked(authority.serial(other), NOW_MS)], 7, NOW_MS)
    for name, content in {
        "root": authority.pem(root.certificate),
        "issuing": authority.pem(issuing.certificate),
        "gateway": authority.pem(gateway),
        "other": authority.pem(other),
        "server": authority.issue_server(issuing, ["broker.local"], NOW_MS).pem,
        "crl": revocation.crl_pem(made),
    }.items():
        (tmp_path / name).write_bytes(content)

    def verify(name: str, *options: str) -> str:
        words = [openssl, "verify", "-x509_strict", "-attime", str(NOW_MS // 1000), "-CAfile", "root"]
        words += ["-untrusted", "issuing", "-crl_check", "-CRLfile", "crl", *options, name]
        return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False).stderr

    assert verify("gateway", "-purpose", "sslclient") == ""
    assert verify("server", "-purpose", "sslserver", "-verify_hostname", "broker.local") == ""
    assert "certificate revoked" in verify("other", "-purpose", "sslclient")
    assert "purpose" in verify("gateway", "-purpose", "sslserver")
    assert "purpose" in verify("server", "-purpose", "sslclient")
    assert "mismatch" in verify("server", "-purpose", "sslserver", "-verify_hostname", "else")


def test_of_a_request_only_the_key_counts(issuing: authority.Authority) -> None:
    """A gateway that asks to be an authority, a server, or somebody else, gets what we say."""
    key = authority.new_key()
    greedy = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, profile.BACKEND_NAME)]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("broker.local")]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = greedy.public_bytes(serialization.Encoding.PEM)
    made = authority.issue_gateway(issuing, pem, "gw1", NOW_MS).certificate
    assert made.public_key() == key.public_key()
    assert authority.common_name(made) == "gw1"
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert "broker.local" not in str(made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)


def wrong_requests() -> dict[str, bytes]:
    subject = x509.Name([])
    good = x509.CertificateSigningRequestBuilder().subject_name(subject)
    der = good.sign(authority.new_key(), hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    flipped = x509.load_der_x509_csr(der[:-1] + bytes([der[-1] ^ 1])).public_bytes(serialization.Encoding.PEM)
    weak = rsa.generate_private_key(65537, 2048)
    return {
        "empty": b"",
        "nonsense": b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        "huge": b"x" * 9000,
        "rsa": good.sign(weak, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
        "p384": good.sign(ec.generate_private_key(ec.SECP384R1()), hashes.SHA384()).public_bytes(
            serialization.Encoding.PEM
        ),
        "signature": flipped,
    }


@pytest.mark.parametrize(("name", "pem"), wrong_requests().items())
def test_wrong_requests_are_refused(issuing: authority.Authority, name: str, pem: bytes) -> None:
    assert name
    with pytest.raises(BadRequest):
        authority.issue_gateway(issuing, pem, "gw1", NOW_MS)


@pytest.mark.parametrize("name", [profile.BACKEND_NAME, profile.PROBE_NAME, "", "a/b", "+", "#", "GW1", "x" * 33])
def test_no_gateway_gets_a_name_of_ours_or_one_that_means_more(issuing: authority.Authority, name: str) -> None:
    with pytest.raises(BadRequest):
        authority.issue_gateway(issuing, request(authority.new_key(), "x"), name, NOW_MS)


def test_nothing_outlives_what_signed_it(root: authority.Authority) -> None:
    issuing = authority.init_issuing(root, NOW_MS)
    end_ms = authority.span_ms(issuing.certificate)[1]
    late_ms = end_ms - 10 * DAY_MS
    made = authority.issue_client(issuing, profile.BACKEND_NAME, late_ms).certificate
    assert authority.span_ms(made)[1] == end_ms
    assert not watch.due(made, authority.key_id(issuing.certificate), late_ms), "or it would be renewed every hour"
    with pytest.raises(PkiError):
        authority.issue_client(issuing, profile.BACKEND_NAME, end_ms)


def test_a_renewed_issuing_authority_leaves_all_good(root: authority.Authority, issuing: authority.Authority) -> None:
    gateway = of_gateway(issuing)
    again = authority.init_issuing(root, NOW_MS + DAY_MS, issuing.key)
    assert builder(root, NOW_MS + 2 * DAY_MS).build_client_verifier().verify(gateway, [again.certificate])


def test_lists_start_one_after_the_other(issuing: authority.Authority) -> None:
    """OpenSSL takes the one that starts last; a thousand revocations in a second have an order too."""
    before, starts = None, []
    for number in range(1, 5):
        made = revocation.crl(issuing, [], number, NOW_MS, before)
        before, ends_ms = revocation.crl_span_ms(made)
        assert (revocation.crl_number(made), ends_ms) == (number, NOW_MS + profile.CRL_MS)
        starts.append(before)
    assert starts == sorted(set(starts))
    # One of a clock that was a year ahead is not outdone: a list must never start in the future.
    late = revocation.crl(issuing, [], 5, NOW_MS, NOW_MS + 365 * DAY_MS)
    assert revocation.crl_span_ms(late)[0] == NOW_MS - DAY_MS


def test_the_root_opens_with_its_passphrase_alone(root: authority.Authority, tmp_path: Path) -> None:
    path = folder.write_root(tmp_path / "stick", root, PASSPHRASE)
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.read_root(tmp_path / "stick", PASSPHRASE).certificate == root.certificate
    with pytest.raises(PkiError):
        folder.read_root(path, PASSPHRASE + " ")
    with pytest.raises(AlreadyThere):
        folder.write_root(tmp_path / "stick", root, PASSPHRASE)
    with pytest.raises(PkiError):
        folder.write_root(tmp_path / "other", root, "short")
    assert folder.read_root(path, PASSPHRASE).key.private_numbers() == root.key.private_numbers()


def test_a_damaged_folder_is_told(root: authority.Authority, issuing: authority.Authority, tmp_path: Path) -> None:
    kept = Folder(tmp_path)
    with pytest.raises(PkiError):
        kept.open()
    kept.create(issuing, root.certificate)
    with pytest.raises(AlreadyThere):
        kept.create(issuing, root.certificate)
    path = kept.path / folder.ISSUING
    whole = path.read_bytes()
    assert kept.open().issuing.certificate == issuing.certificate
    for broken in (
        whole[:-100],
        b"",
        authority.key_pem(authority.new_key()) + whole[whole.index(b"-----BEGIN CERT") :],
    ):
        path.write_bytes(broken)
        with pytest.raises(PkiError):
            kept.open()
    path.write_bytes(whole)
    path.chmod(0o640)
    with pytest.raises(PkiError):
        kept.open()


def test_levels_come_well_before_the_end() -> None:
    for what, (soon_ms, urgent_ms) in watch.LEFT_MS.items():
        levels = [
            watch.term(what, "", NOW_MS + left, NOW_MS).level for left in (soon_ms + 1, soon_ms, urgent_ms, 0, -1)
        ]
        assert levels == [watch.OK, watch.SOON, watch.URGENT, watch.ENDED, watch.ENDED]
    assert watch.worst([]) == watch.OK


def test_nothing_is_signed_by_a_clock_that_knows_no_date(rig: OfficeRig) -> None:
    """At 1970 a new list would have ended long ago, and the broker refuse everybody."""
    before = {path: path.read_bytes() for path in rig.ca.folder.path.iterdir()}
    with pytest.raises(PkiError):
        rig.keep(1000)
    with writing(rig.database) as connection, pytest.raises(PkiError):
        rig.ca.crl(connection, 1000)
    assert {path: path.read_bytes() for path in rig.ca.folder.path.iterdir()} == before
    assert rig.keep() == [], "and with the right time nothing is amiss"


def test_files_lost_on_the_way_are_made_up_for(rig: OfficeRig) -> None:
    """Killed between commit and file: the next look at the folder finds it."""
    assert rig.keep() == []
    lost = [rig.ca.folder.path / "crl.pem", rig.own(profile.BACKEND_NAME)]
    for path in lost:
        path.unlink()
    assert set(rig.keep()) == {str(path) for path in lost}
    lost[0].write_bytes(b"half a li")
    assert rig.keep() == [str(lost[0])]
    assert rig.keep() == []
