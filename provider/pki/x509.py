"""X.509 with the library ``cryptography``: what a Kubernetes cluster needs, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Clocks of new servers may be slow.
BACKDATED = timedelta(hours=1)
RSA_BITS = 2048
ALGORITHMS = ("ECDSA", "RSA")


class UnusableKey(ValueError):
    """A certificate or key that was given can't be read, or they don't belong together. Shows nothing of them."""


@dataclass(frozen=True)
class Issued:
    """A certificate and its private key, both PEM."""

    certificate: str
    private_key: str = field(repr=False)
    not_before: datetime
    not_after: datetime


def new_authority(common_name: str, validity: timedelta, now: datetime) -> Issued:
    """A self-signed authority with an EC P-256 key.

    It signs end entities and may cross-sign its successor, so no path length is set.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        _builder(name, name, validity, now)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
    )
    return _issued(builder.sign(key, hashes.SHA256()), key)


def new_client_certificate(
    authority_certificate: str,
    authority_key: str,
    common_name: str,
    organizations: Sequence[str],
    validity: timedelta,
    now: datetime,
) -> Issued:
    """A certificate with a new EC P-256 key that names a client: to Kubernetes, a user and its groups.

    Ends with its authority at the latest. Raises :class:`UnusableKey`.
    """
    issuer, issuer_key = _authority(authority_certificate, authority_key)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization) for organization in organizations),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    end = min(now + validity, issuer.not_valid_after_utc)
    if end <= now:
        raise UnusableKey("the authority has expired: rotate it first")
    builder = (
        _builder(name, issuer.subject, end - now, now)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
            ),
            critical=False,
        )
    )
    return _issued(builder.sign(issuer_key, hashes.SHA256()), key)


def new_private_key(algorithm: str) -> str:
    """A private key as PEM: EC P-256 for ``ECDSA``, 2048 bits for ``RSA``."""
    if algorithm == "RSA":
        return _key_pem(rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS))
    return _key_pem(ec.generate_private_key(ec.SECP256R1()))


def _authority(certificate: str, key: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        issuer = x509.load_pem_x509_certificate(certificate.encode())
    except ValueError:
        raise UnusableKey("the authority's certificate isn't a PEM certificate") from None
    try:
        issuer_key = serialization.load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError):
        raise UnusableKey("the authority's private key isn't a PEM key without a password") from None
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey) or issuer_key.public_key() != issuer.public_key():
        raise UnusableKey("the authority's private key isn't the one of its certificate")
    return issuer, issuer_key


def _builder(subject: x509.Name, issuer: x509.Name, validity: timedelta, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + validity)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        key_encipherment=False,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _issued(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Issued:
    return Issued(
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        private_key=_key_pem(key),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )


def _key_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    # SEC 1 and PKCS #1, as Kubernetes' own tools write them: every reader of keys takes these.
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()
