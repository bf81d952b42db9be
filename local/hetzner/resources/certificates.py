"""TLS certificates: uploaded, or issued for domains whose zones the project has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import Field

from local.hetzner.actions import effect
from local.hetzner.clock import timestamp
from local.hetzner.context import Context
from local.hetzner.errors import ApiError, invalid
from local.hetzner.labels import LabelMap
from local.hetzner.listing import Record
from local.hetzner.resources.base import Body, Empty, Name, Resource, command

# As the issuer of managed certificates does.
VALIDITY = timedelta(days=90)


class Creation(Body):
    """A new certificate."""

    name: Name
    type: Literal["uploaded", "managed"] = "uploaded"
    labels: LabelMap = Field(default_factory=dict)
    certificate: str | None = None
    private_key: str | None = None
    domain_names: list[str] = []


class Certificates(Resource):
    """Certificates. The private key is never shown, nor kept."""

    kind = "certificates"
    singular = "certificate"
    creation = Creation
    filters = {"type": lambda record, value: record["type"] == value}

    def view(self, context: Context, record: Record) -> Record:
        """With the load balancers that use it."""
        used_by = [
            {"id": balancer["id"], "type": "load_balancer"}
            for balancer in context.objects.all("load_balancers")
            if any(record["id"] in service.get("http", {}).get("certificates", []) for service in balancer["services"])
        ]
        return {**record, "used_by": used_by}

    def create(self, context: Context, body: Creation) -> Record:
        """Keep an uploaded one, or have one issued."""
        common = {"name": body.name, "type": body.type, "labels": body.labels}
        if body.type == "uploaded":
            record = self.add(context, {**common, **_uploaded(body), "status": None})
            return {"certificate": self.view(context, record), "action": None}
        if not body.domain_names:
            raise invalid("domain_names", "must not be empty for type managed")
        pending = {"issuance": "pending", "renewal": "unavailable", "error": None}
        empty = dict.fromkeys(("certificate", "not_valid_before", "not_valid_after", "fingerprint"))
        record = self.add(context, {**common, **empty, "domain_names": body.domain_names, "status": pending})
        action = self._issue(context, "create_certificate", record)
        return {"certificate": self.view(context, record), "action": context.actions.view(action)}

    def delete(self, context: Context, record: Record) -> None:
        """Remove it, when no load balancer uses it."""
        if self.view(context, record)["used_by"]:
            raise ApiError("resource_in_use", "certificate is still used by a load balancer")
        context.objects.delete(self.kind, record["id"])

    @command("retry")
    def retry(self, context: Context, record: Record, body: Empty) -> Record:
        """Try again to have it issued."""
        if record["status"] is None or record["status"]["issuance"] != "failed":
            raise ApiError("unsupported_error", "issuance has not failed")
        return self._issue(context, "issue_certificate", record)

    def _issue(self, context: Context, name: str, record: Record) -> Record:
        return context.actions.begin(
            name, [("certificate", record["id"])], issue, fail_issuance, certificate=record["id"]
        )


@effect
def issue(context: Context, certificate: int) -> None:
    """The authority has answered: with a certificate, when the project has the zones."""
    record = context.objects.get("certificates", certificate)
    if record is None:
        return
    zones = [zone["name"] for zone in context.objects.all("zones")]
    names = record["domain_names"]
    unknown = [name for name in names if not any(name == zone or name.endswith(f".{zone}") for zone in zones)]
    if unknown:
        problem = ApiError("dns_zone_not_found", f"DNS zone of {unknown[0]} not found")
        fail_issuance(context, certificate, problem.code, problem.message)
        raise problem
    now = datetime.fromtimestamp(context.world.clock.now(), UTC)
    issued = _self_signed(names, now)
    status = {"issuance": "completed", "renewal": "scheduled", "error": None}
    context.objects.put("certificates", {**record, **_described(issued), "status": status})


@effect
def fail_issuance(
    context: Context, certificate: int, code: str = "ca_dns_validation_failed", message: str = "DNS validation failed"
) -> None:
    """No certificate, and why."""
    record = context.objects.get("certificates", certificate)
    if record is not None:
        status = {"issuance": "failed", "renewal": "unavailable", "error": {"code": code, "message": message}}
        context.objects.put("certificates", {**record, "status": status})


def _uploaded(body: Creation) -> Record:
    if body.certificate is None or body.private_key is None:
        missing = "certificate" if body.certificate is None else "private_key"
        raise invalid(missing, "must be given for type uploaded")
    try:
        certificate = x509.load_pem_x509_certificate(body.certificate.encode())
    except ValueError as error:
        raise invalid("certificate", "is not a certificate in PEM format") from error
    try:
        key = serialization.load_pem_private_key(body.private_key.encode(), None)
    except (ValueError, TypeError) as error:
        raise invalid("private_key", "is not a private key in PEM format") from error
    public = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*public) != certificate.public_key().public_bytes(*public):
        raise invalid("private_key", "does not belong to the certificate")
    return {**_described(certificate), "certificate": body.certificate}


def _described(certificate: x509.Certificate) -> Record:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        domains = names.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        domains = []
    return {
        "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
        "domain_names": domains,
        "fingerprint": certificate.fingerprint(hashes.SHA256()).hex(":"),
        "not_valid_before": timestamp(certificate.not_valid_before_utc.timestamp()),
        "not_valid_after": timestamp(certificate.not_valid_after_utc.timestamp()),
    }


def _self_signed(names: list[str], now: datetime) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + VALIDITY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain) for domain in names]), critical=False)
    )
    return builder.sign(key, hashes.SHA256())
