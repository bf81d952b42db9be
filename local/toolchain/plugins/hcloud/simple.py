"""SSH keys and placement groups."""

from __future__ import annotations

from local.toolchain.plugins.hcloud import checks
from local.toolchain.plugins.hcloud.api import Answer, Operation
from local.toolchain.plugins.hcloud.attributes import Attribute
from local.toolchain.plugins.hcloud.common import rename
from local.toolchain.plugins.hcloud.resource import HcloudResource
from provider.plugin import Properties

NAME_AND_LABELS = {"name": "name", "labels": "labels"}


class SshKey(HcloudResource):
    """A public key that new servers let in."""

    kind = "ssh_keys"
    framework = True
    attributes = {
        "name": Attribute(),
        "publicKey": Attribute(required=True, replaces=True),
        "fingerprint": Attribute(computed=True),
        "labels": checks.FRAMEWORK_LABELS,
    }
    outputs_only = ("fingerprint",)

    def make(self, operation: Operation, new: Properties) -> tuple[str, Answer]:
        body = {"name": new["name"], "public_key": new["publicKey"], "labels": new["labels"]}
        answer = operation.begin("/ssh_keys", body)
        return str(answer["ssh_key"]["id"]), answer

    def look(self, operation: Operation, identity: str, known: Properties) -> Properties | None:
        found = operation.find("ssh_keys", identity)
        if found is None:
            return None
        return {
            "name": found["name"],
            "publicKey": found["public_key"],
            "fingerprint": found["fingerprint"],
            "labels": found["labels"],
        }

    def alter(self, operation: Operation, identity: str, old: Properties, new: Properties) -> None:
        rename(operation, f"/ssh_keys/{identity}", NAME_AND_LABELS, old, new)

    def remove(self, operation: Operation, identity: str, old: Properties) -> None:
        operation.delete(f"/ssh_keys/{identity}")


class PlacementGroup(HcloudResource):
    """Servers that run on different hosts."""

    kind = "placement_groups"
    attributes = {
        "name": Attribute(),
        "labels": checks.LABELS,
        "servers": Attribute("set", item="int", computed=True),
        "type": Attribute(required=True, check=checks.one_of("spread")),
    }
    outputs_only = ("servers",)

    def make(self, operation: Operation, new: Properties) -> tuple[str, Answer]:
        body = {"name": new["name"], "type": new["type"], "labels": new["labels"] or {}}
        answer = operation.begin("/placement_groups", body)
        return str(answer["placement_group"]["id"]), answer

    def look(self, operation: Operation, identity: str, known: Properties) -> Properties | None:
        found = operation.find("placement_groups", identity)
        return None if found is None else {name: found[name] for name in self.attributes}

    def alter(self, operation: Operation, identity: str, old: Properties, new: Properties) -> None:
        rename(operation, f"/placement_groups/{identity}", NAME_AND_LABELS, old, new)

    def remove(self, operation: Operation, identity: str, old: Properties) -> None:
        operation.delete(f"/placement_groups/{identity}")
