"""Public addresses that outlive the servers they are assigned to."""

from __future__ import annotations

from local.toolchain.plugins.hcloud import checks
from local.toolchain.plugins.hcloud.api import ATTEMPTS, Answer, ApiError, Operation
from local.toolchain.plugins.hcloud.attributes import Attribute
from local.toolchain.plugins.hcloud.common import described, protect, rename
from local.toolchain.plugins.hcloud.resource import HcloudResource
from provider.plugin import UNKNOWN, CheckFailure, PluginError, Properties

SERVER = "server"
# Whatever stands in the way, but protection and what the request itself has wrong.
AGAIN = ("locked", "conflict", "service_error", "must_be_unassigned", "unavailable", "server_error", "resource_in_use")
REMOVED = "removed from the Hetzner Cloud API on 2026-07-01: give the location instead"


def removed(value: object) -> str:
    """Datacenters are gone."""
    return REMOVED


class PrimaryIp(HcloudResource):
    """An address, made in a location or at what it is assigned to."""

    kind = "primary_ips"
    framework = True
    numeric_id = True
    attributes = {
        "name": Attribute(),
        "type": Attribute(required=True, replaces=True),
        "location": Attribute(computed=True, replaces=True),
        "datacenter": Attribute(computed=True, stable=False, check=removed),
        "assigneeId": Attribute("int", computed=True, stable=False),
        "assigneeType": Attribute(computed=True, stable=False),
        "autoDelete": Attribute("bool", default=False),
        "labels": checks.FRAMEWORK_LABELS,
        "deleteProtection": Attribute("bool", default=False),
        "ipAddress": Attribute(computed=True),
        "ipNetwork": Attribute(computed=True),
    }
    outputs_only = ("ipAddress", "ipNetwork")

    def combinations(self, inputs: Properties) -> list[CheckFailure]:
        location, assignee, kind = (inputs.get(name) for name in ("location", "assigneeId", "assigneeType"))
        if UNKNOWN not in (assignee, kind) and assignee is not None and kind is None:
            return [CheckFailure("assigneeId", "these must be given together: assigneeId, assigneeType")]
        if UNKNOWN not in (location, assignee) and (location is None) == (assignee is None):
            return [CheckFailure("location", "exactly one of these must be given: location, assigneeId")]
        return []

    def make(self, operation: Operation, new: Properties) -> tuple[str, Answer]:
        body = {"name": new["name"], "type": new["type"], "auto_delete": new["autoDelete"], "labels": new["labels"]}
        if new["location"] is not None:
            body["location"] = new["location"]
        else:
            body |= {"assignee_id": new["assigneeId"], "assignee_type": new["assigneeType"]}
        answer = operation.begin("/primary_ips", body)
        return str(answer["primary_ip"]["id"]), answer

    def finish(self, operation: Operation, identity: str, new: Properties) -> None:
        if new["deleteProtection"]:
            protect(operation, f"/primary_ips/{identity}", delete=True)

    def look(self, operation: Operation, identity: str, known: Properties) -> Properties | None:
        found = operation.find("primary_ips", identity)
        if found is None:
            return None
        network = found["type"] == "ipv6"
        return described(found) | {
            "type": found["type"],
            "location": found["location"]["name"],
            "datacenter": None,
            "assigneeId": found["assignee_id"] or 0,
            "assigneeType": found["assignee_type"],
            "autoDelete": found["auto_delete"],
            "ipAddress": found["ip"].partition("/")[0],
            "ipNetwork": found["ip"] if network else None,
        }

    def alter(self, operation: Operation, identity: str, old: Properties, new: Properties) -> None:
        path = f"/primary_ips/{identity}"
        if old.get("deleteProtection") != new["deleteProtection"]:
            protect(operation, path, delete=new["deleteProtection"])
        before, after = old.get("assigneeId") or 0, new["assigneeId"] or 0
        if before != after:
            if before:
                operation.post(f"{path}/actions/unassign")
            if after:
                body = {"assignee_id": after, "assignee_type": new["assigneeType"]}
                operation.post(f"{path}/actions/assign", body)
        keys = {"name": "name", "labels": "labels", "autoDelete": "auto_delete"}
        rename(operation, path, keys, old, new)

    def remove(self, operation: Operation, identity: str, old: Properties) -> None:
        if old.get("assigneeId"):
            self._unassign(operation, identity, old)
        operation.delete(f"/primary_ips/{identity}", again=AGAIN, attempts=2 * ATTEMPTS)

    def _unassign(self, operation: Operation, identity: str, old: Properties) -> None:
        unassign = f"/primary_ips/{identity}/actions/unassign"
        if old["assigneeType"] != SERVER:
            _try(operation, unassign)
            return
        # A server's address can only be taken from it while it is off.
        server = operation.find("servers", old["assigneeId"])
        if server is not None:
            nets = server["public_net"]
            if identity in (str(nets[family]["id"]) for family in ("ipv4", "ipv6") if nets[family]):
                _try(operation, f"/servers/{server['id']}/actions/poweroff")
                _try(operation, unassign)
                _try(operation, f"/servers/{server['id']}/actions/poweron")


def _try(operation: Operation, path: str) -> None:
    try:
        answer = operation.request("POST", path)
    except ApiError:
        # It may be unassigned or gone already; else deleting says so.
        return
    try:
        operation.wait(answer)
    except PluginError as error:
        operation.warn(str(error))
