"""Firewalls, and what they are applied to."""

from __future__ import annotations

from typing import Any

from local.toolchain.plugins.hcloud import checks
from local.toolchain.plugins.hcloud.api import ATTEMPTS, Answer, ApiError, Operation
from local.toolchain.plugins.hcloud.attributes import Attribute
from local.toolchain.plugins.hcloud.common import rename
from local.toolchain.plugins.hcloud.resource import HcloudResource
from provider.plugin import PluginError, Properties

IPS = Attribute("set", check=checks.block, kept=checks.normal_block)
RULE = {
    "direction": Attribute(required=True, check=checks.one_of("in", "out")),
    "protocol": Attribute(required=True, check=checks.one_of("tcp", "udp", "icmp", "gre", "esp")),
    "port": Attribute(),
    "sourceIps": IPS,
    "destinationIps": IPS,
    "description": Attribute(),
}
APPLY_TO = {"labelSelector": Attribute(computed=True), "server": Attribute("int", computed=True)}
APPLIED = "firewall_already_applied"
GONE = "firewall_resource_not_found"


class Firewall(HcloudResource):
    """Rules for traffic from and to servers."""

    kind = "firewalls"
    attributes = {
        "name": Attribute(),
        "labels": checks.COMPUTED_LABELS,
        "applyTos": Attribute("set", fields=APPLY_TO, computed=True, singular="apply_to"),
        "rules": Attribute("set", fields=RULE, block=True, singular="rule"),
    }

    def preview_create(self, context: Any, inputs: Properties) -> Properties:
        # What isn't applied by its own inputs is applied to nothing at first.
        outputs = super().preview_create(context, inputs)
        return outputs | ({} if inputs.get("applyTos") is not None else {"applyTos": []})

    def make(self, operation: Operation, new: Properties) -> tuple[str, Answer]:
        body = {
            "name": new["name"],
            "labels": new["labels"] or {},
            "rules": [_rule(rule) for rule in new["rules"]],
            "apply_to": [_target(target) for target in new["applyTos"] or ()],
        }
        answer = operation.begin("/firewalls", body)
        return str(answer["firewall"]["id"]), answer

    def look(self, operation: Operation, identity: str, known: Properties) -> Properties | None:
        found = operation.find("firewalls", identity)
        if found is None:
            return None
        return {
            "name": found["name"],
            "labels": found["labels"],
            "applyTos": [_applied(target) for target in found["applied_to"]],
            "rules": [_found_rule(rule) for rule in found["rules"]],
        }

    def alter(self, operation: Operation, identity: str, old: Properties, new: Properties) -> None:
        path = f"/firewalls/{identity}"
        rename(operation, path, {"name": "name"}, old, new)
        if self._differs("rules", old, new):
            operation.post(f"{path}/actions/set_rules", {"rules": [_rule(rule) for rule in new["rules"]]})
        rename(operation, path, {"labels": "labels"}, old, new)
        before, after = old.get("applyTos") or [], new["applyTos"] or []
        gone = [target for target in before if not any(_is(target, other) for other in after)]
        come = [target for target in after if not any(_is(target, other) for other in before)]
        if gone:
            _remove(operation, identity, [_target(target) for target in gone])
        if come:
            _apply(operation, identity, [_target(target) for target in come])

    def remove(self, operation: Operation, identity: str, old: Properties) -> None:
        found = operation.find("firewalls", identity)
        if found is None:
            return
        if found["applied_to"]:
            _remove(operation, identity, [_target(_applied(target)) for target in found["applied_to"]])
        operation.delete(f"/firewalls/{identity}", again=("conflict", "resource_in_use"), attempts=2 * ATTEMPTS)


class FirewallAttachment(HcloudResource):
    """All that a firewall is applied to; one of them at most for each firewall."""

    attributes = {
        "firewallId": Attribute("int", required=True, replaces=True),
        "serverIds": Attribute("set", item="int"),
        "labelSelectors": Attribute("set"),
    }

    def make(self, operation: Operation, new: Properties) -> tuple[str, Answer]:
        targets = _all(new)
        if not targets:
            raise PluginError("no resources referenced: give serverIds or labelSelectors")
        identity = str(new["firewallId"])
        _apply(operation, identity, targets)
        return identity, {}

    def look(self, operation: Operation, identity: str, known: Properties) -> Properties | None:
        found = operation.find("firewalls", identity)
        if found is None:
            return None
        applied = [_applied(target) for target in found["applied_to"]]
        servers = {target["server"] for target in applied if "server" in target}
        selectors = {target["labelSelector"] for target in applied if "labelSelector" in target}
        # As the published plugin, which sees what was added elsewhere, and not what was taken away.
        return {
            "firewallId": found["id"],
            "serverIds": sorted(servers | set(known.get("serverIds") or ())),
            "labelSelectors": sorted(selectors | set(known.get("labelSelectors") or ())),
        }

    def alter(self, operation: Operation, identity: str, old: Properties, new: Properties) -> None:
        before, after = _all(self.look(operation, identity, {}) or {}), _all(new)
        if not after:
            raise PluginError("no resources referenced: give serverIds or labelSelectors")
        gone, come = [t for t in before if t not in after], [t for t in after if t not in before]
        if gone:
            _remove(operation, identity, gone)
        if come:
            _apply(operation, identity, come)

    def remove(self, operation: Operation, identity: str, old: Properties) -> None:
        _remove(operation, identity, _all(old))


def _apply(operation: Operation, identity: str, targets: list[Answer]) -> None:
    try:
        operation.post(f"/firewalls/{identity}/actions/apply_to_resources", {"apply_to": targets})
    except ApiError as error:
        if error.code != APPLIED:
            raise


def _remove(operation: Operation, identity: str, targets: list[Answer]) -> None:
    try:
        operation.post(f"/firewalls/{identity}/actions/remove_from_resources", {"remove_from": targets})
    except ApiError as error:
        if error.code not in (GONE, "not_found"):
            raise


def _all(values: Properties) -> list[Answer]:
    servers = [_target({"server": server}) for server in values.get("serverIds") or ()]
    return servers + [_target({"labelSelector": text}) for text in values.get("labelSelectors") or ()]


def _is(one: Properties, other: Properties) -> bool:
    return _target(one) == _target(other)


def _target(target: Properties) -> Answer:
    if target.get("labelSelector"):
        return {"type": "label_selector", "label_selector": {"selector": target["labelSelector"]}}
    if target.get("server"):
        return {"type": "server", "server": {"id": target["server"]}}
    raise PluginError("applyTos: each gives server or labelSelector")


def _applied(target: Answer) -> Properties:
    if target["type"] == "label_selector":
        return {"labelSelector": target["label_selector"]["selector"]}
    return {"server": target["server"]["id"]}


def _rule(rule: Properties) -> Answer:
    body = {
        "direction": rule["direction"],
        "protocol": rule["protocol"],
        "source_ips": [checks.normal_block(block) for block in rule.get("sourceIps") or ()],
        "destination_ips": [checks.normal_block(block) for block in rule.get("destinationIps") or ()],
    }
    return body | {key: rule[key] for key in ("port", "description") if rule.get(key)}


def _found_rule(rule: Answer) -> Properties:
    return {
        "direction": rule["direction"],
        "protocol": rule["protocol"],
        "port": rule["port"],
        "description": rule["description"],
        "sourceIps": rule["source_ips"],
        "destinationIps": rule["destination_ips"],
    }
