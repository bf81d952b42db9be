"""Private networks, their subnets and routes."""

from __future__ import annotations

from local.toolchain.plugins.hcloud import checks
from local.toolchain.plugins.hcloud.adoption import ours
from local.toolchain.plugins.hcloud.api import ATTEMPTS, Answer, ApiError, Operation
from local.toolchain.plugins.hcloud.attributes import Attribute
from local.toolchain.plugins.hcloud.common import described, normal, protect, rename
from local.toolchain.plugins.hcloud.resource import HcloudResource
from provider.plugin import PluginError, Properties

# A subnet's servers are detached by others meanwhile: waited for longer.
DELETE_ATTEMPTS = 10 * ATTEMPTS
ATTACHED = ("servers are attached", "network has attached resources")


class Network(HcloudResource):
    """A range of private addresses."""

    kind = "networks"
    attributes = {
        "name": Attribute(),
        "ipRange": Attribute(required=True, replaces=True, check=checks.cidr),
        "labels": checks.LABELS,
        "deleteProtection": Attribute("bool", default=False),
        "exposeRoutesToVswitch": Attribute("bool", default=False),
    }

    def make(self, operation: Operation, new: Properties) -> tuple[str, Answer]:
        body = {
            "name": new["name"],
            "ip_range": new["ipRange"],
            "expose_routes_to_vswitch": new["exposeRoutesToVswitch"],
            "labels": new["labels"] or {},
        }
        answer = operation.begin("/networks", body)
        return str(answer["network"]["id"]), answer

    def finish(self, operation: Operation, identity: str, new: Properties) -> None:
        if new["deleteProtection"]:
            protect(operation, f"/networks/{identity}", delete=True)

    def look(self, operation: Operation, identity: str, known: Properties) -> Properties | None:
        found = operation.find("networks", identity)
        if found is None:
            return None
        return described(found) | {
            "ipRange": found["ip_range"],
            "exposeRoutesToVswitch": found["expose_routes_to_vswitch"],
        }

    def alter(self, operation: Operation, identity: str, old: Properties, new: Properties) -> None:
        keys = {"name": "name", "labels": "labels", "exposeRoutesToVswitch": "expose_routes_to_vswitch"}
        rename(operation, f"/networks/{identity}", keys, old, new)
        if bool(old.get("deleteProtection")) != new["deleteProtection"]:
            protect(operation, f"/networks/{identity}", delete=new["deleteProtection"])

    def remove(self, operation: Operation, identity: str, old: Properties) -> None:
        operation.delete(f"/networks/{identity}")


class NetworkPart(HcloudResource):
    """What a network holds a list of; its id is the network's number, a dash and the part's ``range``."""

    listed: str
    range: str

    def parse(self, identity: str) -> Properties | None:
        number, _, text = identity.partition("-")
        if not number.isdecimal() or checks.cidr(text):
            return None
        return {"networkId": int(number), self.range: normal(text)}

    def part(self, operation: Operation, identity: str) -> tuple[Answer | None, Answer | None]:
        """The network, and the part of it."""
        known = self.parse(identity)
        network = operation.find("networks", known["networkId"]) if known else None
        if known is None or network is None:
            return None, None
        key = "ip_range" if self.range == "ipRange" else self.range
        return network, next((part for part in network[self.listed] if part[key] == known[self.range]), None)

    def existing(self, operation: Operation, new: Properties) -> str | None:
        identity = f"{new['networkId']}-{normal(new[self.range])}"
        network, part = self.part(operation, identity)
        return identity if network and part and ours(network["labels"]) else None

    def alter(self, operation: Operation, identity: str, old: Properties, new: Properties) -> None:
        """Whatever differs replaces it."""


class NetworkSubnet(NetworkPart):
    """A part of a network's range, in one zone."""

    listed = "subnets"
    range = "ipRange"
    attributes = {
        "networkId": Attribute("int", required=True, replaces=True),
        "type": Attribute(required=True, replaces=True, check=checks.one_of("cloud", "server", "vswitch")),
        "networkZone": Attribute(required=True, replaces=True),
        "ipRange": Attribute(required=True, replaces=True),
        "gateway": Attribute(computed=True),
        "vswitchId": Attribute("int", replaces=True),
    }
    outputs_only = ("gateway",)

    def make(self, operation: Operation, new: Properties) -> tuple[str, Answer]:
        body = {"type": new["type"], "network_zone": new["networkZone"], "ip_range": normal(new["ipRange"])}
        if new["type"] == "vswitch":
            body["vswitch_id"] = new["vswitchId"]
        path = f"/networks/{new['networkId']}/actions/add_subnet"
        answer = operation.begin(path, body, again=("conflict", "vswitch_id_already_used"))
        return f"{new['networkId']}-{body['ip_range']}", answer

    def look(self, operation: Operation, identity: str, known: Properties) -> Properties | None:
        network, found = self.part(operation, identity)
        if network is None or found is None:
            return None
        values = {
            "networkId": network["id"],
            "type": found["type"],
            "networkZone": found["network_zone"],
            "ipRange": found["ip_range"],
            "gateway": found["gateway"],
        }
        return values | ({"vswitchId": found["vswitch_id"]} if found["type"] == "vswitch" else {})

    def remove(self, operation: Operation, identity: str, old: Properties) -> None:
        def begin() -> Answer:
            network, found = self.part(operation, identity)
            if network is None or found is None:
                return {}
            try:
                body = {"ip_range": found["ip_range"]}
                return operation.request("POST", f"/networks/{network['id']}/actions/delete_subnet", body)
            except ApiError as error:
                if error.code == "service_error" and not any(text in str(error) for text in ATTACHED):
                    raise PluginError(str(error)) from None
                raise

        try:
            operation.wait(operation.retried(begin, ("conflict", "locked", "service_error"), DELETE_ATTEMPTS))
        except ApiError as error:
            # What is still attached goes with the network itself.
            if error.code not in ("not_found", "service_error"):
                raise


class NetworkRoute(NetworkPart):
    """Where a network's traffic to a range goes."""

    listed = "routes"
    range = "destination"
    attributes = {
        "networkId": Attribute("int", required=True, replaces=True),
        "destination": Attribute(required=True, replaces=True),
        "gateway": Attribute(required=True, replaces=True),
    }

    def make(self, operation: Operation, new: Properties) -> tuple[str, Answer]:
        body = {"destination": normal(new["destination"]), "gateway": new["gateway"]}
        answer = operation.begin(f"/networks/{new['networkId']}/actions/add_route", body, again=("conflict",))
        return f"{new['networkId']}-{body['destination']}", answer

    def look(self, operation: Operation, identity: str, known: Properties) -> Properties | None:
        network, found = self.part(operation, identity)
        if network is None or found is None:
            return None
        return {"networkId": network["id"], "destination": found["destination"], "gateway": found["gateway"]}

    def remove(self, operation: Operation, identity: str, old: Properties) -> None:
        network, found = self.part(operation, identity)
        if network is not None and found is not None:
            path = f"/networks/{network['id']}/actions/delete_route"
            try:
                operation.post(path, found, again=("conflict",))
            except ApiError as error:
                if error.code != "not_found":
                    raise
