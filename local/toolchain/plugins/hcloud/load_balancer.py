"""Load balancers."""

from __future__ import annotations

from local.toolchain.plugins.hcloud import checks
from local.toolchain.plugins.hcloud.api import Answer, ApiError, Operation
from local.toolchain.plugins.hcloud.attributes import Attribute
from local.toolchain.plugins.hcloud.common import described, protect, rename
from local.toolchain.plugins.hcloud.resource import HcloudResource
from provider.plugin import Properties

ALGORITHM = {"type": Attribute(computed=True, check=checks.one_of("round_robin", "least_connections"))}
TARGET = {
    "type": Attribute(required=True, check=checks.one_of("server")),
    "serverId": Attribute("int"),
    "usePrivateIp": Attribute("bool", default=False),
}


class LoadBalancer(HcloudResource):
    """A load balancer; services, targets and network are resources of their own."""

    kind = "load_balancers"
    attributes = {
        "name": Attribute(),
        "loadBalancerType": Attribute(required=True),
        "ipv4": Attribute(computed=True),
        "ipv6": Attribute(computed=True),
        "location": Attribute(computed=True, replaces=True),
        "networkZone": Attribute(computed=True, replaces=True),
        "networkId": Attribute("int", computed=True),
        "networkIp": Attribute(computed=True),
        "algorithm": Attribute("object", fields=ALGORITHM, computed=True),
        "labels": checks.COMPUTED_LABELS,
        "targets": Attribute("set", fields=TARGET, computed=True, singular="target"),
        "deleteProtection": Attribute("bool", default=False),
    }
    outputs_only = ("ipv4", "ipv6", "networkId", "networkIp")

    def make(self, operation: Operation, new: Properties) -> tuple[str, Answer]:
        body: Answer = {"name": new["name"], "labels": new["labels"] or {}}
        body["load_balancer_type"] = new["loadBalancerType"]
        if new["algorithm"]:
            body["algorithm"] = {"type": new["algorithm"]["type"]}
        given = {"location": new["location"], "network_zone": new["networkZone"]}
        body |= {key: value for key, value in given.items() if value}
        if new["targets"]:
            body["targets"] = [{"type": "server", "server": {"id": target["serverId"]}} for target in new["targets"]]
        answer = operation.begin("/load_balancers", body)
        return str(answer["load_balancer"]["id"]), answer

    def finish(self, operation: Operation, identity: str, new: Properties) -> None:
        if new["deleteProtection"]:
            protect(operation, f"/load_balancers/{identity}", delete=True)

    def look(self, operation: Operation, identity: str, known: Properties) -> Properties | None:
        found = operation.find("load_balancers", identity)
        if found is None:
            return None
        values = described(found) | {
            "loadBalancerType": found["load_balancer_type"]["name"],
            "ipv4": found["public_net"]["ipv4"]["ip"],
            "ipv6": found["public_net"]["ipv6"]["ip"],
            "location": found["location"]["name"],
            "networkZone": found["location"]["network_zone"],
            "algorithm": {"type": found["algorithm"]["type"]},
            "targets": [_target(target) for target in found["targets"]],
            "networkId": known.get("networkId"),
            "networkIp": known.get("networkIp"),
        }
        if found["private_net"]:
            interface = found["private_net"][0]
            values |= {"networkId": interface["network"], "networkIp": interface["ip"]}
        return values

    def alter(self, operation: Operation, identity: str, old: Properties, new: Properties) -> None:
        path = f"/load_balancers/{identity}"
        rename(operation, path, {"name": "name"}, old, new)
        if old.get("loadBalancerType") != new["loadBalancerType"]:
            operation.post(f"{path}/actions/change_type", {"load_balancer_type": new["loadBalancerType"]})
        if new["algorithm"] and old.get("algorithm") != new["algorithm"]:
            operation.post(f"{path}/actions/change_algorithm", {"type": new["algorithm"]["type"]})
        rename(operation, path, {"labels": "labels"}, old, new)
        before, after = _servers(old), _servers(new)
        for server in sorted(before - after):
            operation.post(f"{path}/actions/remove_target", {"type": "server", "server": {"id": server}})
        for server in sorted(after - before):
            operation.post(f"{path}/actions/add_target", {"type": "server", "server": {"id": server}})
        if bool(old.get("deleteProtection")) != new["deleteProtection"]:
            protect(operation, path, delete=new["deleteProtection"])

    def remove(self, operation: Operation, identity: str, old: Properties) -> None:
        try:
            # As the published plugin: not waited for. It is locked while an earlier request removes it.
            operation.retried(lambda: operation.request("DELETE", f"/load_balancers/{identity}"), ("locked",))
        except ApiError as error:
            if error.code != "not_found":
                raise


def _servers(values: Properties) -> set[int]:
    return {target["serverId"] for target in values.get("targets") or () if target.get("serverId")}


def _target(target: Answer) -> Properties:
    values = {"type": target["type"], "usePrivateIp": False}
    return values | ({"serverId": target["server"]["id"]} if target["type"] == "server" else {})
