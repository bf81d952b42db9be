"""Certificates, judged by OpenSSL."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from provider.pki.x509 import Issued, UnusableKey, new_authority, new_client_certificate, new_private_key

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def authority() -> Issued:
    return new_authority("alpha client", 3650 * DAY, NOW)


def openssl(*arguments: str, stdin: str = "") -> str:
    done = subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def write(folder: Path, **files: str) -> list[str]:
    for name, content in files.items():
        (folder / name).write_text(content)
    return [str(folder / name) for name in files]


def test_openssl_takes_an_authority_as_one(authority: Issued, tmp_path: Path) -> None:
    (path,) = write(tmp_path, ca=authority.certificate)
    assert openssl("verify", "-x509_strict", "-check_ss_sig", "-CAfile", path, path).strip().endswith("OK")
    text = openssl("x509", "-in", path, "-noout", "-text")
    assert "CA:TRUE" in text
    assert "Certificate Sign" in text
    assert "ASN1 OID: prime256v1" in text
    assert "Version: 3" in text


def test_openssl_takes_a_client_certificate_for_clients_alone(authority: Issued, tmp_path: Path) -> None:
    made = new_client_certificate(
        authority.certificate, authority.private_key, "admin", ["system:masters", "ops"], 365 * DAY, NOW
    )
    ca, leaf = write(tmp_path, ca=authority.certificate, leaf=made.certificate)
    assert openssl("verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", ca, leaf).strip().endswith("OK")
    refused = subprocess.run(
        ["openssl", "verify", "-purpose", "sslserver", "-CAfile", ca, leaf], capture_output=True, text=True
    )
    assert refused.returncode != 0
    subject = openssl("x509", "-in", leaf, "-noout", "-subject")
    assert "O = system:masters" in subject
    assert "O = ops" in subject
    assert "CN = admin" in subject
    # The key is the certificate's.
    public = openssl("x509", "-in", leaf, "-noout", "-pubkey")
    assert openssl("pkey", "-pubout", stdin=made.private_key) == public


def test_another_authority_is_not_believed(authority: Issued, tmp_path: Path) -> None:
    other = new_authority("alpha client", 3650 * DAY, NOW)
    made = new_client_certificate(other.certificate, other.private_key, "admin", [], DAY, NOW)
    ca, leaf = write(tmp_path, ca=authority.certificate, leaf=made.certificate)
    refused = subprocess.run(["openssl", "verify", "-CAfile", ca, leaf], capture_output=True, text=True)
    assert refused.returncode != 0


@settings(max_examples=25, deadline=None)
@given(years=st.integers(1, 30), days=st.integers(1, 20000))
def test_no_certificate_outlives_its_authority(years: int, days: int) -> None:
    authority = new_authority("a", years * 365 * DAY, NOW)
    made = new_client_certificate(authority.certificate, authority.private_key, "c", [], days * DAY, NOW)
    assert made.not_after == min(NOW + days * DAY, authority.not_after)
    assert made.not_before < NOW


def test_an_authority_that_ended_signs_nothing(authority: Issued) -> None:
    with pytest.raises(UnusableKey, match="rotate it first"):
        new_client_certificate(authority.certificate, authority.private_key, "c", [], DAY, authority.not_after + DAY)


@pytest.mark.parametrize(
    ("certificate", "key", "message"),
    [
        ("nonsense", "nonsense", "certificate isn't a PEM certificate"),
        (None, "nonsense", "private key isn't a PEM key"),
        (None, new_private_key("RSA"), "isn't the one of its certificate"),
        (None, new_private_key("ECDSA"), "isn't the one of its certificate"),
    ],
    ids=["nothing", "no key", "another kind of key", "another key"],
)
def test_what_does_not_belong_together_is_refused(
    authority: Issued, certificate: str | None, key: str, message: str
) -> None:
    with pytest.raises(UnusableKey, match=message) as error:
        new_client_certificate(certificate or authority.certificate, key, "c", [], DAY, NOW)
    assert "BEGIN" not in str(error.value)


@pytest.mark.parametrize(("algorithm", "header"), [("RSA", "BEGIN RSA PRIVATE KEY"), ("ECDSA", "BEGIN EC PRIVATE KEY")])
def test_openssl_reads_keys(algorithm: str, header: str) -> None:
    key = new_private_key(algorithm)
    assert header in key
    assert "OK" in openssl("pkey", "-check", "-noout", stdin=key) or "valid" in openssl(
        "pkey", "-check", "-noout", stdin=key
    )


def test_serial_numbers_are_not_repeated(authority: Issued) -> None:
    made = {
        x509.load_pem_x509_certificate(
            new_client_certificate(authority.certificate, authority.private_key, "c", [], DAY, NOW).certificate.encode()
        ).serial_number
        for _ in range(5)
    }
    assert len(made) == 5
