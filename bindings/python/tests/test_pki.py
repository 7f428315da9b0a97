"""Authorities, certificates, keys and bundles without a server."""

from __future__ import annotations

import os
import stat
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import mke
from mke import errors, pki

NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)
AUTHORITY = pki.Authority.create("cluster", "test", at=NOW)
USERS = pki.Authority.create("client", "test", at=NOW)
KEY = pki.PrivateKey.generate()


def server(names: list[str], days: int = 30) -> pki.Certificate:
    return AUTHORITY.issue(KEY.public_key, profile="server", common_name="ucp", names=names, days=days, at=NOW)


def test_a_certificate_says_what_was_asked_for() -> None:
    made = server(["ucp.example.com", "10.0.0.5"])
    assert (made.common_name, made.organization, made.names) == ("ucp", None, ["ucp.example.com", "10.0.0.5"])
    assert made.may_serve and not made.may_call and made.public_key == KEY.public_key
    assert made.not_after == NOW + timedelta(days=30) and made.not_after.tzinfo is not None
    assert made.valid_at(NOW) and not made.valid_at(NOW + timedelta(days=31)) and not made.valid_at(NOW - timedelta(days=1))
    assert hash(made) == hash(pki.Certificate(made.pem)) and made != server(["ucp.example.com"])
    node = AUTHORITY.issue(KEY.public_key, profile="node", common_name="n", names=["n"], days=1, organization="o", at=NOW)
    assert node.may_serve and node.may_call and node.organization == "o"


def test_openssl_reads_the_same(tmp_path: Path) -> None:
    made = server(["ucp.example.com"])
    (tmp_path / "cert.pem").write_text(made.pem)
    command = ["openssl", "x509", "-in", "cert.pem", "-noout", "-fingerprint", "-sha256", "-serial", "-ext", "subjectAltName"]
    said = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert made.fingerprint.upper() in said.replace(":", "") and "DNS:ucp.example.com" in said
    assert made.serial.upper().lstrip("0") in said.upper()


def test_what_no_certificate_can_carry_is_refused() -> None:
    with pytest.raises(errors.PkiError, match="at least one access name") as caught:
        server([])
    assert caught.value.kind == "NoNames" and isinstance(caught.value, ValueError)
    with pytest.raises(errors.PkiError) as caught:
        server(["not a name"])
    assert caught.value.name == "not a name" and caught.value.fault
    with pytest.raises(errors.PkiError, match="at least one second"):
        server(["a"], days=0)
    with pytest.raises(errors.InvalidValueError, match="none of server, client"):
        AUTHORITY.issue(KEY.public_key, profile="boss", common_name="a", days=1)  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidValueError, match="neither cluster nor client"):
        pki.Authority.create("root", "test")  # type: ignore[arg-type]
    with pytest.raises(errors.PkiError) as caught:
        AUTHORITY.issue(KEY.public_key, profile="client", common_name="a", days=1, at=NOW - timedelta(days=1))
    assert caught.value.kind == "ClockBeforeAuthority" and caught.value.not_before.startswith("2026-02-28T23:55")


def test_a_clock_without_a_zone_is_refused() -> None:
    with pytest.raises((TypeError, ValueError)):
        pki.Authority.create("client", "test", at=datetime(2026, 3, 1))


def test_clients_are_believed_by_their_chain_only() -> None:
    chain = USERS.issue(KEY.public_key, profile="client", common_name="ada", days=30, at=NOW).pem
    roots = USERS.certificate.pem
    assert pki.verify_client(chain, roots, at=NOW).common_name == "ada"
    for bad, trusted, at, reason in [
        (chain, AUTHORITY.certificate.pem, NOW, "no trusted authority"),
        (chain, roots, NOW + timedelta(days=31), "expired"),
        (server(["a"]).pem, AUTHORITY.certificate.pem, NOW, "not for clients|purpose|client"),
    ]:
        with pytest.raises(errors.PkiError, match=reason) as caught:
            pki.verify_client(bad, trusted, at=at)
        assert caught.value.kind == "Untrusted"
    with pytest.raises(errors.PkiError):
        pki.verify_client("", roots, at=NOW)
    with pytest.raises(errors.PkiError):
        pki.verify_client(chain, "", at=NOW)


def test_a_server_is_told_all_mistakes_at_once() -> None:
    made, root = server(["ucp.example.com"]), AUTHORITY.certificate.pem
    assert pki.verify_server(root, made.pem, KEY.pem(), ["ucp.example.com"], at=NOW) == made
    other = pki.PrivateKey.generate()
    with pytest.raises(errors.CertificateChainError) as caught:
        pki.verify_server(root, made.pem, other.pem(), ["ucp.example.com", "10.0.0.9"], at=NOW + timedelta(days=60))
    assert len(caught.value.problems) >= 3 and any("10.0.0.9" in problem for problem in caught.value.problems)


def test_requests_prove_their_key() -> None:
    request = pki.SigningRequest.create(KEY, "node-1")
    assert pki.SigningRequest(request.pem) == request and request.public_key == KEY.public_key
    lines = request.pem.splitlines()
    with pytest.raises(errors.PkiError):
        pki.SigningRequest("\n".join([lines[0], lines[1][::-1], *lines[2:]]))


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    hidden = KEY.pem().expose().splitlines()[1]
    for thing in (KEY, KEY.pem(), AUTHORITY, AUTHORITY.key(), USERS):
        assert hidden not in repr(thing) + str(thing) and "PRIVATE" not in repr(thing) + str(thing)
    assert repr(KEY) == f"<PrivateKey of {KEY.public_key.id}>"


def test_files_are_their_owners_alone_and_never_replaced(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        KEY.save(tmp_path / "key.pem")
        AUTHORITY.save(tmp_path / "ca.pem", tmp_path / "ca-key.pem")
    finally:
        os.umask(old)
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    with pytest.raises(FileExistsError, match="key.pem"):
        KEY.save(tmp_path / "key.pem")
    assert pki.PrivateKey.from_file(tmp_path / "key.pem").public_key == KEY.public_key
    again = pki.Authority.from_files(tmp_path / "ca.pem", tmp_path / "ca-key.pem")
    assert again.certificate == AUTHORITY.certificate == pki.Certificate.from_file(tmp_path / "ca.pem")
    with pytest.raises(errors.PkiError, match="does not belong"):
        pki.Authority.from_files(tmp_path / "ca.pem", tmp_path / "key.pem")
    with pytest.raises(FileNotFoundError, match="gone"):
        pki.PrivateKey.from_file(tmp_path / "gone")


def test_several_certificates_are_a_table() -> None:
    pem = AUTHORITY.certificate.pem + USERS.certificate.pem
    table = pki.certificates(pem)
    assert isinstance(table, mke.Table) and len(table) == 2 and table[0] == AUTHORITY.certificate
    with pytest.raises(ValueError, match="2 certificates"):
        pki.Certificate(pem)


def test_the_root_before_is_trusted_until_its_time_is_over() -> None:
    roots = pki.TrustSet(USERS.certificate)
    following = pki.Authority.create("client", "test", at=NOW)
    roots.rotate(following.certificate, NOW + timedelta(days=7))
    assert roots.current == following.certificate and set(roots.roots(NOW)) == {USERS.certificate, following.certificate}
    assert roots.roots(NOW + timedelta(days=8)) == [following.certificate] and roots.expire(NOW + timedelta(days=8)) == 1
    assert pki.certificates(roots.pem(NOW))[0] == following.certificate


def test_bundles_are_made_and_read_offline(tmp_path: Path) -> None:
    bundle = pki.make_bundle(
        USERS, "ada", server_ca=AUTHORITY.certificate.pem, host="10.0.0.5", cluster_id="test", port=8443, at=NOW
    )
    files = bundle.files()
    holder = pki.verify_client(files["cert.pem"].decode(), USERS.certificate.pem, at=NOW)
    assert holder.common_name == "ada" and bundle.url == "https://10.0.0.5:8443"
    assert bundle.public_key is not None and pki.PublicKey(bundle.public_key) == holder.public_key
    assert pki.PrivateKey(files["key.pem"].decode()).public_key == holder.public_key
    bundle.save(tmp_path / "ada.zip")
    assert stat.S_IMODE((tmp_path / "ada.zip").stat().st_mode) == 0o600
    assert pki.open_bundle(tmp_path / "ada.zip").files() == files
    (tmp_path / "bad.zip").write_bytes(b"no archive")
    with pytest.raises(errors.ClientError, match="bad.zip"):
        pki.open_bundle(tmp_path / "bad.zip")
    with pytest.raises(errors.BundlePlaceError):
        pki.make_bundle(USERS, "ada", server_ca="", host="a b", cluster_id="test")
    with pytest.raises(errors.InvalidNameError):
        pki.make_bundle(USERS, "", server_ca="", host="a", cluster_id="test")


def test_signatures_are_checked_by_openssl(tmp_path: Path) -> None:
    signature = KEY.sign(b"hello")
    assert len(signature) == 64
    def integer(part: bytes) -> bytes:
        part = part.lstrip(b"\0")
        part = b"\0" + part if part[0] & 0x80 else part
        return b"\x02" + bytes([len(part)]) + part

    body = integer(signature[:32]) + integer(signature[32:])
    (tmp_path / "signature").write_bytes(b"\x30" + bytes([len(body)]) + body)
    (tmp_path / "key.pub").write_text(KEY.public_key.pem)
    command = ["openssl", "dgst", "-sha256", "-verify", "key.pub", "-signature", "signature"]
    assert b"OK" in subprocess.run(command, cwd=tmp_path, input=b"hello", check=True, capture_output=True).stdout
