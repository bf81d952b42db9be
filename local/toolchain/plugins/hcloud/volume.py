"""Volumes, and the servers that they are attached to."""

from __future__ import annotations

from local.toolchain.plugins.hcloud import checks
from local.toolchain.plugins.hcloud.adoption import ours
from local.toolchain.plugins.hcloud.api import Answer, Operation
from local.toolchain.plugins.hcloud.attributes import Attribute
from local.toolchain.plugins.hcloud.common import described, protect, rename
from local.toolchain.plugins.hcloud.resource import HcloudResource
from local.toolchain.plugins.hcloud.simple import NAME_AND_LABELS
from provider.plugin import Properties

BUSY = ("locked", "conflict", "service_error")


class Volume(HcloudResource):
    """A disk on the network. It grows, and never shrinks."""

    kind = "volumes"
    attributes = {
        "name": Attribute(),
        "size": Attribute("int", required=True),
        "location": Attribute(computed=True, replaces=True),
        "serverId": Attribute("int", computed=True),
        "labels": checks.LABELS,
        "linuxDevice": Attribute(computed=True),
        "automount": Attribute("bool"),
        "format": Attribute(),
        "deleteProtection": Attribute("bool", default=False),
    }
    outputs_only = ("linuxDevice",)

    def make(self, operation: Operation, new: Properties) -> tuple[str, Answer]:
        body: Answer = {"name": new["name"], "size": new["size"], "labels": new["labels"] or {}}
        given = {"location": "location", "serverId": "server", "automount": "automount", "format": "format"}
        body |= {key: new[name] for name, key in given.items() if new[name]}
        answer = operation.begin("/volumes", body, again=("locked",))
        return str(answer["volume"]["id"]), answer

    def finish(self, operation: Operation, identity: str, new: Properties) -> None:
        if new["deleteProtection"]:
            protect(operation, f"/volumes/{identity}", delete=True)

    def look(self, operation: Operation, identity: str, known: Properties) -> Properties | None:
        found = operation.find("volumes", identity)
        if found is None:
            return None
        values = described(found) | {
            "size": found["size"],
            "location": found["location"]["name"],
            "linuxDevice": found["linux_device"],
        }
        # As the published plugin, which keeps the server that it has recorded once the volume is attached to none.
        return values | {"serverId": found["server"] or known.get("serverId")}

    def alter(self, operation: Operation, identity: str, old: Properties, new: Properties) -> None:
        path = f"/volumes/{identity}"
        found = operation.find("volumes", identity)
        if found is None:
            return
        rename(operation, path, {"name": "name"}, old, new)
        if (old.get("serverId") or 0) != (new["serverId"] or 0) != (found["server"] or 0):
            if found["server"] is not None:
                operation.post(f"{path}/actions/detach", again=BUSY)
            if new["serverId"]:
                body = {"server": new["serverId"]} | ({"automount": True} if new["automount"] else {})
                operation.post(f"{path}/actions/attach", body, again=BUSY)
        if old.get("size") != new["size"] != found["size"]:
            operation.post(f"{path}/actions/resize", {"size": new["size"]})
        rename(operation, path, {"labels": NAME_AND_LABELS["labels"]}, old, new)
        if bool(old.get("deleteProtection")) != new["deleteProtection"]:
            protect(operation, path, delete=new["deleteProtection"])

    def remove(self, operation: Operation, identity: str, old: Properties) -> None:
        found = operation.find("volumes", identity)
        if found is None:
            return
        if found["server"] is not None:
            operation.post(f"/volumes/{identity}/actions/detach", again=BUSY)
        operation.delete(f"/volumes/{identity}", again=BUSY)


class VolumeAttachment(HcloudResource):
    """A volume at a server; its id is the volume's."""

    attributes = {
        "volumeId": Attribute("int", required=True, replaces=True),
        "serverId": Attribute("int", required=True, replaces=True),
        "automount": Attribute("bool", computed=True),
    }

    def make(self, operation: Operation, new: Properties) -> tuple[str, Answer]:
        body = {"server": new["serverId"]} | ({"automount": True} if new["automount"] else {})
        identity = str(new["volumeId"])
        return identity, operation.begin(f"/volumes/{identity}/actions/attach", body, again=("locked",))

    def existing(self, operation: Operation, new: Properties) -> str | None:
        found = operation.find("volumes", new["volumeId"])
        attached = found is not None and found["server"] == new["serverId"] and ours(found["labels"])
        return str(new["volumeId"]) if attached else None

    def look(self, operation: Operation, identity: str, known: Properties) -> Properties | None:
        found = operation.find("volumes", identity)
        if found is None or found["server"] is None:
            return None
        return {"volumeId": found["id"], "serverId": found["server"]}

    def alter(self, operation: Operation, identity: str, old: Properties, new: Properties) -> None:
        """Whether it is mounted is said when it is attached."""

    def remove(self, operation: Operation, identity: str, old: Properties) -> None:
        found = operation.find("volumes", identity)
        if found is not None and found["server"] is not None:
            operation.post(f"/volumes/{identity}/actions/detach", again=("locked",))
