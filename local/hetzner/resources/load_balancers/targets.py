"""Targets of a load balancer: servers, all servers with certain labels, addresses."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import StringConstraints, model_validator

from local.hetzner.context import Context
from local.hetzner.errors import ApiError, invalid, limit_exceeded
from local.hetzner.labels import selector
from local.hetzner.listing import Record
from local.hetzner.resources.assignment import primary_ips_of
from local.hetzner.resources.base import Body, referenced
from local.hetzner.resources.private_network import attachment


class ServerId(Body):
    """A server."""

    id: int


class LabelSelector(Body):
    """Servers by their labels."""

    selector: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class Ip(Body):
    """An address of the customer's own, such as of a dedicated machine."""

    ip: str


class Target(Body):
    """A target."""

    type: Literal["server", "label_selector", "ip"]
    server: ServerId | None = None
    label_selector: LabelSelector | None = None
    ip: Ip | None = None
    use_private_ip: bool = False

    @model_validator(mode="after")
    def _named(self) -> Target:
        if getattr(self, self.type) is None:
            raise ValueError(f"{self.type} must be given for type {self.type}")
        return self

    def identity(self) -> Record:
        """What makes it another target than others."""
        return self.model_dump(include={"type", self.type})

    def record(self) -> Record:
        """As it is kept."""
        return {**self.identity(), **({} if self.type == "ip" else {"use_private_ip": self.use_private_ip})}


def add_target(context: Context, record: Record, balancer_type: Record, target: Target) -> None:
    """Add it. Raises ``ApiError`` when the load balancer can't reach it, has it already or has no room."""
    if find_target(record, target) is not None:
        raise ApiError("target_already_defined", "target is already defined")
    if len(record["targets"]) >= balancer_type["max_targets"]:
        raise limit_exceeded("load_balancer_target_limit")
    if target.use_private_ip and not record["private_net"]:
        raise ApiError("load_balancer_not_attached_to_network", "load balancer is not attached to a network")
    if not target.use_private_ip and target.type != "ip" and not record["public_net"]["enabled"]:
        raise ApiError("load_balancer_public_interface_disabled", "the public interface is disabled")
    if target.server is not None:
        _require_reachable(context, record, target, target.server.id)
    elif target.label_selector is not None:
        selector(target.label_selector.selector, "label_selector.selector")
    elif target.ip is not None:
        _require_address(target.ip.ip)
    record["targets"].append(target.record())


def find_target(record: Record, target: Target) -> Record | None:
    """The target of the load balancer that is the same."""
    wanted = target.identity()
    return next((other for other in record["targets"] if wanted.items() <= other.items()), None)


def target_view(context: Context, record: Record, target: Record) -> Record:
    """With the health of what it stands for: servers that run are healthy."""
    if target["type"] == "ip":
        return {**target, "health_status": _health(record, healthy=True)}
    if target["type"] == "server":
        return _server_view(context, record, target)
    matches = selector(target["label_selector"]["selector"])
    servers = [server for server in context.objects.all("servers") if matches(server["labels"])]
    return {
        **target,
        "targets": [
            _server_view(
                context,
                record,
                {"type": "server", "server": {"id": server["id"]}, "use_private_ip": target["use_private_ip"]},
            )
            for server in servers
        ],
    }


def forget_target(context: Context, server: int) -> None:
    """A server is gone."""
    for record in context.objects.all("load_balancers"):
        kept = [target for target in record["targets"] if target.get("server") != {"id": server}]
        context.objects.put("load_balancers", {**record, "targets": kept})


def _server_view(context: Context, record: Record, target: Record) -> Record:
    server = context.objects.get("servers", target["server"]["id"])
    healthy = server is not None and server["status"] == "running"
    return {**target, "health_status": _health(record, healthy)}


def _health(record: Record, healthy: bool) -> list[Record]:
    return [
        {"listen_port": service["listen_port"], "status": "healthy" if healthy else "unhealthy"}
        for service in record["services"]
    ]


def _require_reachable(context: Context, record: Record, target: Target, identity: int) -> None:
    server = referenced(context, "servers", identity, "server")
    if target.use_private_ip:
        if not any(attachment(server, place["network"]) for place in record["private_net"]):
            raise ApiError(
                "resolve_cloud_private_targets_error", "server is not attached to the load balancer's network"
            )
    elif "ipv4" not in primary_ips_of(context, identity):
        raise ApiError("resolve_cloud_public_targets_error", "server has no public IPv4 address")


def _require_address(text: str) -> None:
    try:
        ip_address(text)
    except ValueError as error:
        raise invalid("ip", f"{text!r} is not an IP address") from error
