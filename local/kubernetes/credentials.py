"""Keys, certificates and tokens of the sandbox's cluster, in its data folder and readable by its owner only."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import secrets
from collections.abc import Callable
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local.files import write_private
from local.ports import LOOPBACK

# A sandbox is younger than its certificate, so nothing here renews one.
LIFETIME = datetime.timedelta(days=3650)
# Clocks differ a little between machines that share a folder.
MARGIN = datetime.timedelta(hours=1)
NAME = "sandbox"


def prepare_credentials(data: Path, port: int) -> str:
    """Make what is missing and return the administrator's kubeconfig; what an earlier start made is kept, so that
    tokens and data stay readable."""
    token = _keep(data / "admin.token", lambda: secrets.token_hex(32))
    write_private(data / "tokens.csv", f"{token},admin,admin,system:masters\n")
    _keep(data / "service-account.key", lambda: _pem(ec.generate_private_key(ec.SECP256R1())))
    _keep(data / "encryption.yaml", _encryption)
    chain = data / "apiserver.crt"
    if not chain.exists():
        certificates, key = _certificates()
        # The key first: a certificate in place means that both are.
        write_private(data / "apiserver.key", key)
        write_private(chain, certificates)
    return _kubeconfig(port, token, chain.read_text())


def _keep(file: Path, make: Callable[[], str]) -> str:
    if not file.exists():
        write_private(file, make())
    return file.read_text()


def _encryption() -> str:
    """Secrets are encrypted at rest (FC-175)."""
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    resources = [{"resources": ["secrets"], "providers": [{"secretbox": {"keys": [{"name": NAME, "secret": key}]}}]}]
    configuration = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}
    return yaml.safe_dump(configuration | {"resources": resources})


def _certificates() -> tuple[str, str]:
    """The API server's certificate with that of its authority, and its key. The authority's key is forgotten."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{NAME}-ca")])
    authority_id = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    now = datetime.datetime.now(datetime.UTC)

    def begin(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(authority).public_key(public)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - MARGIN).not_valid_after(now + LIFETIME)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority_id)
        return builder.add_extension(issuer, critical=False)

    own = begin(authority, authority_key.public_key())
    own = own.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    own = own.add_extension(_usage(signs_certificates=True), critical=True)
    own = own.add_extension(authority_id, critical=False)
    names = [x509.IPAddress(ipaddress.ip_address(LOOPBACK)), x509.DNSName("localhost")]
    server = begin(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)]), key.public_key())
    server = server.add_extension(x509.SubjectAlternativeName(names), critical=False)
    server = server.add_extension(_usage(signs_certificates=False), critical=True)
    server = server.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    signed = [builder.sign(authority_key, hashes.SHA256()) for builder in (server, own)]
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in signed), _pem(key)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    # SEC 1, the form that Kubernetes' own tools write.
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def _kubeconfig(port: int, token: str, authority: str) -> str:
    cluster = {
        "server": f"https://{LOOPBACK}:{port}",
        "certificate-authority-data": base64.b64encode(authority.encode()).decode(),
    }
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": NAME, "cluster": cluster}],
            "users": [{"name": NAME, "user": {"token": token}}],
            "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME}}],
            "current-context": NAME,
        }
    )
