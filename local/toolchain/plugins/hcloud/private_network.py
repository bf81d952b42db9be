"""Servers and load balancers in private networks."""

from __future__ import annotations

from local.toolchain.plugins.hcloud import checks
from local.toolchain.plugins.hcloud.api import Answer, ApiError, Operation
from local.toolchain.plugins.hcloud.attributes import Attribute, Attributes
from local.toolchain.plugins.hcloud.common import normal
from local.toolchain.plugins.hcloud.resource import HcloudResource
from provider.plugin import UNKNOWN, CheckFailure, PluginError, Properties, Value

ATTACH_AGAIN = ("conflict", "locked", "service_error", "no_subnet_available")
DETACH_AGAIN = ("conflict", "locked", "service_error")

PLACE: Attributes = {
    "networkId": Attribute("int", computed=True, replaces=True),
    "subnetId": Attribute(replaces=True),
    "ip": Attribute(computed=True, replaces=True, check=checks.address),
}


class Attachment(HcloudResource):
    """A member of a network; its id is the member's number, a dash and the network's."""

    framework = True
    member: str
    owner: str
    already: str

    def combinations(self, inputs: Properties) -> list[CheckFailure]:
        network, subnet = inputs.get("networkId"), inputs.get("subnetId")
        if UNKNOWN in (network, subnet) and None in (network, subnet):
            return []
        if (network is None) == (subnet is None):
            return [CheckFailure("networkId", "exactly one of these must be given: networkId, subnetId")]
        return []

    def parse(self, identity: str) -> Properties | None:
        member, _, network = identity.partition("-")
        if not member.isdecimal() or not network.isdecimal():
            return None
        return {self.owner: int(member), "networkId": int(network)}

    def make(self, operation: Operation, new: Properties) -> tuple[str, Answer]:
        body = place(new)
        if new.get("aliasIps"):
            body["alias_ips"] = new["aliasIps"]
        member = new[self.owner]
        path = f"/{self.member}/{member}/actions/attach_to_network"
        identity = f"{member}-{body['network']}"
        try:
            return identity, operation.begin(path, body, again=ATTACH_AGAIN)
        except ApiError as error:
            if error.code != self.already or self._interface(operation, identity)[1] is None:
                raise
            return identity, {}

    def existing(self, operation: Operation, new: Properties) -> str | None:
        return None

    def look(self, operation: Operation, identity: str, known: Properties) -> Properties | None:
        member, interface = self._interface(operation, identity)
        if member is None or interface is None:
            return None
        return {self.owner: member["id"], "networkId": interface["network"], "ip": interface["ip"]} | self.more(
            member, interface
        )

    def more(self, member: Answer, interface: Answer) -> Properties:
        """What only this kind of member has."""
        raise NotImplementedError

    def remove(self, operation: Operation, identity: str, old: Properties) -> None:
        known = self.parse(identity)
        if known is None:
            return
        detach(operation, f"/{self.member}/{known[self.owner]}", known["networkId"])

    def _interface(self, operation: Operation, identity: str) -> tuple[Answer | None, Answer | None]:
        known = self.parse(identity)
        member = operation.find(self.member, known[self.owner]) if known else None
        if known is None or member is None:
            return None, None
        return member, interface_of(member, known["networkId"])


class ServerNetwork(Attachment):
    """A server in a network."""

    member = "servers"
    owner = "serverId"
    already = "server_already_attached"
    attributes = {
        "serverId": Attribute("int", required=True, replaces=True),
        **PLACE,
        "aliasIps": Attribute("set", default=[], check=checks.address),
        "macAddress": Attribute(computed=True),
    }
    outputs_only = ("macAddress",)

    def more(self, member: Answer, interface: Answer) -> Properties:
        return {"aliasIps": interface["alias_ips"], "macAddress": interface["mac_address"]}

    def alter(self, operation: Operation, identity: str, old: Properties, new: Properties) -> None:
        if sorted(old.get("aliasIps") or ()) != sorted(new["aliasIps"] or ()):
            body = {"network": old["networkId"], "alias_ips": new["aliasIps"] or []}
            operation.post(f"/servers/{old['serverId']}/actions/change_alias_ips", body)


class LoadBalancerNetwork(Attachment):
    """A load balancer in a network, and whether it has a public side beside that."""

    member = "load_balancers"
    owner = "loadBalancerId"
    already = "load_balancer_already_attached"
    attributes = {
        "loadBalancerId": Attribute("int", required=True, replaces=True),
        **PLACE,
        "enablePublicInterface": Attribute("bool", default=True),
    }

    def more(self, member: Answer, interface: Answer) -> Properties:
        return {"enablePublicInterface": member["public_net"]["enabled"]}

    def finish(self, operation: Operation, identity: str, new: Properties) -> None:
        self.alter(operation, identity, self.look(operation, identity, new) or {}, new)

    def alter(self, operation: Operation, identity: str, old: Properties, new: Properties) -> None:
        enabled = new["enablePublicInterface"]
        if old.get("enablePublicInterface", True) != enabled:
            word = "enable" if enabled else "disable"
            operation.post(f"/load_balancers/{new['loadBalancerId']}/actions/{word}_public_interface")


def place(new: Properties) -> Answer:
    """A network, its subnet and an address in it, as requests have them. Raises ``PluginError``."""
    body: Answer = {"network": new["networkId"]}
    if new.get("subnetId"):
        network, _, text = new["subnetId"].partition("-")
        if not network.isdecimal():
            raise PluginError(f"subnetId: must be NETWORK_ID-RANGE, got {new['subnetId']}")
        body = {"network": int(network), "ip_range": normal(text)}
    if new.get("ip"):
        body["ip"] = new["ip"]
    return body


def interface_of(member: Answer, network: Value) -> Answer | None:
    """A server's or load balancer's interface in a network."""
    return next((interface for interface in member["private_net"] if interface["network"] == network), None)


def detach(operation: Operation, path: str, network: int) -> None:
    """Takes a server or load balancer out of a network; returns when it is out."""
    try:
        operation.post(f"{path}/actions/detach_from_network", {"network": network}, again=DETACH_AGAIN)
    except ApiError as error:
        if error.code != "not_found":
            raise
