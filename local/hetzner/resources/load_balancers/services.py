"""Services of a load balancer: what it listens on and where it sends that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from local.hetzner.context import Context
from local.hetzner.errors import ApiError, invalid, limit_exceeded
from local.hetzner.listing import Record
from local.hetzner.resources.base import Body, referenced

Port = Annotated[int, Field(ge=1, le=65535)]
Protocol = Literal["tcp", "http", "https"]
# Vendor documentation, load balancer services.
DEFAULT_PORTS = {"http": 80, "https": 443}
DEFAULT_HTTP = {"cookie_name": "HCLBSTICKY", "cookie_lifetime": 300, "sticky_sessions": False, "timeout_idle": 50}
DEFAULT_HEALTH_CHECK = {"interval": 15, "timeout": 10, "retries": 3}
DEFAULT_HTTP_CHECK = {"domain": "", "path": "/", "response": "", "status_codes": ["2??", "3??"], "tls": False}


class HttpCheck(Body):
    """What an HTTP health check asks and expects."""

    domain: Annotated[str, StringConstraints(max_length=128)] | None = None
    path: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = None
    response: Annotated[str, StringConstraints(max_length=256)] | None = None
    status_codes: Annotated[list[str], Field(max_length=20)] | None = None
    tls: bool | None = None


class HealthCheck(Body):
    """Times in s."""

    protocol: Literal["tcp", "http"] | None = None
    port: Port | None = None
    interval: Annotated[int, Field(ge=3, le=60)] | None = None
    timeout: Annotated[int, Field(ge=1, le=60)] | None = None
    retries: Annotated[int, Field(ge=1, le=5)] | None = None
    http: HttpCheck | None = None


class Http(Body):
    """Settings of protocols http and https; times in s."""

    cookie_name: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    cookie_lifetime: Annotated[int, Field(ge=30, le=86400)] | None = None
    timeout_idle: int | None = None
    sticky_sessions: bool | None = None
    certificates: list[int] | None = None
    redirect_http: bool | None = None


class Service(Body):
    """A service; what isn't said has the protocol's defaults."""

    protocol: Protocol
    listen_port: Port | None = None
    destination_port: Port | None = None
    proxyprotocol: bool = False
    health_check: HealthCheck | None = None
    http: Http | None = None


class ServiceUpdate(Body):
    """A change of the service that listens on ``listen_port``."""

    listen_port: Port
    protocol: Protocol | None = None
    destination_port: Port | None = None
    proxyprotocol: bool | None = None
    health_check: HealthCheck | None = None
    http: Http | None = None


class ListenPort(Body):
    """Body of ``delete_service``."""

    listen_port: Port


def new_service(context: Context, body: Service) -> Record:
    """A service with every field the API shows. Raises ``ApiError``."""
    given = body.model_dump(exclude_none=True)
    return _complete(context, given)


def updated_service(context: Context, service: Record, body: ServiceUpdate) -> Record:
    """The service, changed. Raises ``ApiError``."""
    given = body.model_dump(exclude_none=True)
    merged = {**service, **given}
    for part in ("http", "health_check"):
        if part in service and part in given:
            merged[part] = {**service[part], **given[part]}
    if merged["protocol"] == "tcp":
        merged.pop("http", None)
    return _complete(context, merged)


def add_service(services: list[Record], service: Record, balancer_type: Record) -> None:
    """Add it. Raises ``ApiError`` when the port is taken, or there are as many as the type allows."""
    ports = {port for other in services for port in _ports(other)}
    if ports & set(_ports(service)):
        raise ApiError("source_port_already_used", f"source port {service['listen_port']} is already in use")
    if len(services) >= balancer_type["max_services"]:
        raise limit_exceeded("load_balancer_service_limit")
    services.append(service)
    require_certificates_fit(services, balancer_type)


def require_certificates_fit(services: Sequence[Record], balancer_type: Record) -> None:
    """Raise ``ApiError`` when there are more certificates than the type allows."""
    certificates = {identity for service in services for identity in service.get("http", {}).get("certificates", [])}
    if len(certificates) > balancer_type["max_assigned_certificates"]:
        raise limit_exceeded("load_balancer_certificate_limit")


def find_service(services: Sequence[Record], port: int) -> Record:
    """The service that listens on the port. Raises ``ApiError``."""
    found = next((service for service in services if service["listen_port"] == port), None)
    if found is None:
        raise ApiError("not_found", f"service on port {port} not found")
    return found


def _ports(service: Record) -> list[int]:
    redirects = service.get("http", {}).get("redirect_http", False)
    return [service["listen_port"], *([DEFAULT_PORTS["http"]] if redirects else [])]


def _complete(context: Context, given: dict[str, Any]) -> Record:
    protocol = given["protocol"]
    listen = given.get("listen_port", DEFAULT_PORTS.get(protocol))
    destination = given.get("destination_port", DEFAULT_PORTS["http"] if protocol != "tcp" else None)
    if listen is None or destination is None:
        raise invalid("listen_port" if listen is None else "destination_port", "must be given for protocol tcp")
    service = {
        "protocol": protocol,
        "listen_port": listen,
        "destination_port": destination,
        "proxyprotocol": given["proxyprotocol"],
        "health_check": _health_check(given.get("health_check", {}), protocol, destination),
    }
    if protocol == "tcp":
        return service
    http = DEFAULT_HTTP | given.get("http", {})
    if protocol == "https":
        http = {"certificates": [], "redirect_http": False, **http}
        _require_certificates(context, http["certificates"])
    return {**service, "http": http}


def _health_check(given: dict[str, Any], protocol: str, destination: int) -> Record:
    check = {
        **DEFAULT_HEALTH_CHECK,
        "port": destination,
        "protocol": "tcp" if protocol == "tcp" else "http",
        **given,
    }
    if check["protocol"] == "http":
        return {**check, "http": DEFAULT_HTTP_CHECK | given.get("http", {})}
    check.pop("http", None)
    return check


def _require_certificates(context: Context, certificates: Sequence[int]) -> None:
    if not certificates:
        raise invalid("http.certificates", "must not be empty for protocol https")
    for identity in certificates:
        referenced(context, "certificates", identity, "http.certificates")
