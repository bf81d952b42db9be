"""Firewalls: rules, and the servers they are applied to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from local.hetzner.actions import effect
from local.hetzner.context import Context
from local.hetzner.errors import ApiError, invalid, limit_exceeded
from local.hetzner.labels import LabelMap, selector
from local.hetzner.listing import Record
from local.hetzner.resources.assignment import primary_ips_of
from local.hetzner.resources.base import Body, Name, Resource, command, referenced

# Vendor documentation, firewalls. An effective rule is one rule with one address range.
MAX_RULES = 50
MAX_EFFECTIVE_RULES = 500
MAX_PER_SERVER = 5
_PORT = re.compile(r"any|\d{1,5}(-\d{1,5})?")
_LAST_PORT = 65535


def _range(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise ValueError(f"{text!r} is not an address range such as 10.0.0.0/8 or ::/0: {error}") from error


Range = Annotated[str, AfterValidator(_range)]


class Rule(Body):
    """What is let through."""

    direction: Literal["in", "out"]
    protocol: Literal["tcp", "udp", "icmp", "esp", "gre"]
    source_ips: list[Range] = []
    destination_ips: list[Range] = []
    port: str | None = None
    description: Annotated[str, StringConstraints(max_length=255)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Rule:
        if self.protocol in ("tcp", "udp"):
            ports = [int(port) for port in re.findall(r"\d+", self.port or "")]
            in_range = all(1 <= port <= _LAST_PORT for port in ports) and ports == sorted(ports)
            if not (self.port and _PORT.fullmatch(self.port) and in_range):
                raise ValueError(f"port must be a port, a range such as 80-85, or any, for {self.protocol}")
        elif self.port is not None:
            raise ValueError(f"port must not be given for {self.protocol}")
        if not (self.source_ips if self.direction == "in" else self.destination_ips):
            field = "source_ips" if self.direction == "in" else "destination_ips"
            raise ValueError(f"{field} must not be empty for direction {self.direction}")
        return self


Rules = Annotated[list[Rule], Field(max_length=MAX_RULES)]


class ServerId(Body):
    """A server."""

    id: int


class LabelSelector(Body):
    """Servers by their labels."""

    selector: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class Target(Body):
    """What a firewall is applied to."""

    type: Literal["server", "label_selector"]
    server: ServerId | None = None
    label_selector: LabelSelector | None = None

    @model_validator(mode="after")
    def _named(self) -> Target:
        if getattr(self, self.type) is None:
            raise ValueError(f"{self.type} must be given for type {self.type}")
        return self

    def record(self) -> Record:
        """As it is kept."""
        return self.model_dump(include={"type", self.type})


class Creation(Body):
    """A new firewall."""

    name: Name
    labels: LabelMap = Field(default_factory=dict)
    rules: Rules = []
    apply_to: list[Target] = []


class SetRules(Body):
    """Body of ``set_rules``."""

    rules: Rules


class ApplyTo(Body):
    """Body of ``apply_to_resources``."""

    apply_to: list[Target]


class RemoveFrom(Body):
    """Body of ``remove_from_resources``."""

    remove_from: list[Target]


class Firewalls(Resource):
    """Firewalls. One that is applied can't be deleted."""

    kind = "firewalls"
    singular = "firewall"
    creation = Creation

    def view(self, context: Context, record: Record) -> Record:
        """With the servers that selectors find."""
        return {**record, "applied_to": [_shown(context, target) for target in record["applied_to"]]}

    def create(self, context: Context, body: Creation) -> Record:
        """Make a firewall, and apply it."""
        record = self.add(
            context,
            {"name": body.name, "labels": body.labels, "rules": _rules(body.rules), "applied_to": []},
        )
        actions = self._apply(context, record, body.apply_to)
        return {"firewall": self.view(context, record), "actions": [context.actions.view(action) for action in actions]}

    def delete(self, context: Context, record: Record) -> None:
        """Remove it, when it is applied to nothing."""
        if record["applied_to"]:
            raise ApiError("resource_in_use", "firewall is still applied to a resource")
        context.objects.delete(self.kind, record["id"])

    @command("set_rules", SetRules)
    def set_rules(self, context: Context, record: Record, body: SetRules) -> Record:
        """Replace the rules; servers get them by actions of their own."""
        record["rules"] = _rules(body.rules)
        context.objects.put(self.kind, record)
        firewall = ("firewall", record["id"])
        actions = [context.actions.begin("set_firewall_rules", [firewall])]
        actions += [
            context.actions.begin("apply_firewall", [firewall, ("server", server["id"])], locks=[firewall])
            for server in protected_servers(context, record)
        ]
        return _actions(context, actions)

    @command("apply_to_resources", ApplyTo)
    def apply_to_resources(self, context: Context, record: Record, body: ApplyTo) -> Record:
        """Apply it to servers, or to all with certain labels."""
        return _actions(context, self._apply(context, record, body.apply_to))

    @command("remove_from_resources", RemoveFrom)
    def remove_from_resources(self, context: Context, record: Record, body: RemoveFrom) -> Record:
        """Take it from them."""
        actions = []
        firewall = ("firewall", record["id"])
        for target in body.remove_from:
            wanted = target.record()
            if wanted not in record["applied_to"]:
                server = _server(context, target.server.id) if target.server else None
                if server is not None and server in protected_servers(context, record):
                    raise ApiError(
                        "firewall_managed_by_label_selector", "firewall is applied by a label selector to this server"
                    )
                raise ApiError("firewall_resource_not_found", "firewall is not applied to this resource")
            actions.append(
                context.actions.begin(
                    "remove_firewall",
                    [*_targets(wanted), firewall],
                    remove_firewall_target,
                    locks=[firewall],
                    firewall=record["id"],
                    target=wanted,
                )
            )
        return _actions(context, actions)

    def _apply(self, context: Context, record: Record, targets: Sequence[Target]) -> list[Record]:
        firewall = ("firewall", record["id"])
        actions = []
        for target in targets:
            wanted = target.record()
            if wanted in record["applied_to"]:
                raise ApiError("firewall_already_applied", "firewall is already applied to this resource")
            if target.server is not None:
                require_appliable(context, _server(context, target.server.id))
            else:
                selector(wanted["label_selector"]["selector"], "apply_to.label_selector.selector")
            record["applied_to"].append(wanted)
            context.objects.put(self.kind, record)
            actions.append(
                context.actions.begin(
                    "apply_firewall",
                    [*_targets(wanted), firewall],
                    otherwise=remove_firewall_target,
                    locks=[firewall],
                    firewall=record["id"],
                    target=wanted,
                )
            )
        return actions


@effect
def remove_firewall_target(context: Context, firewall: int, target: Record) -> None:
    """The firewall no longer applies to the target."""
    record = context.objects.get("firewalls", firewall)
    if record is not None:
        kept = [other for other in record["applied_to"] if other != target]
        context.objects.put("firewalls", {**record, "applied_to": kept})


def apply_to_new_server(context: Context, firewalls: Sequence[int], server: int) -> None:
    """Apply firewalls to a server that is being created. Raises ``ApiError``."""
    if len(set(firewalls)) > MAX_PER_SERVER:
        raise limit_exceeded("server_firewall_limit")
    for identity in dict.fromkeys(firewalls):
        record = referenced(context, "firewalls", identity, "firewalls.firewall")
        record["applied_to"].append({"type": "server", "server": {"id": server}})
        context.objects.put("firewalls", record)


def forget_server(context: Context, server: int) -> None:
    """A server is gone."""
    for record in context.objects.all("firewalls"):
        remove_firewall_target(context, record["id"], {"type": "server", "server": {"id": server}})


def firewalls_of(context: Context, server: Record) -> list[Record]:
    """The firewalls that apply to a server, directly or by its labels."""
    return [record for record in context.objects.all("firewalls") if _applies(record, server)]


def protected_servers(context: Context, record: Record) -> list[Record]:
    """The servers a firewall applies to."""
    return [server for server in context.objects.all("servers") if _applies(record, server)]


def require_appliable(context: Context, server: Record) -> None:
    """Raise ``ApiError`` where a server can take no more firewalls, or none at all."""
    if not primary_ips_of(context, server["id"]):
        raise ApiError("private_net_only_server", "server has no public interface")
    if len(firewalls_of(context, server)) >= MAX_PER_SERVER:
        raise limit_exceeded("server_firewall_limit")


def _applies(record: Record, server: Record) -> bool:
    return any(
        target["server"]["id"] == server["id"]
        if target["type"] == "server"
        else selector(target["label_selector"]["selector"])(server["labels"])
        for target in record["applied_to"]
    )


def _shown(context: Context, target: Record) -> Record:
    if target["type"] == "server":
        return target
    matches = selector(target["label_selector"]["selector"])
    found = [server["id"] for server in context.objects.all("servers") if matches(server["labels"])]
    return {**target, "applied_to_resources": [{"type": "server", "server": {"id": identity}} for identity in found]}


def _server(context: Context, identity: int) -> Record:
    server = context.objects.get("servers", identity)
    if server is None:
        raise ApiError("firewall_resource_not_found", f"server with ID '{identity}' not found")
    return server


def _rules(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    if sum(len(rule.source_ips) + len(rule.destination_ips) for rule in rules) > MAX_EFFECTIVE_RULES:
        raise invalid("rules", f"more than {MAX_EFFECTIVE_RULES} effective rules")
    return [rule.model_dump() for rule in rules]


def _targets(target: Record) -> list[tuple[str, int]]:
    return [("server", target["server"]["id"])] if target["type"] == "server" else []


def _actions(context: Context, actions: Sequence[Record]) -> Record:
    return {"actions": [context.actions.view(action) for action in actions]}
