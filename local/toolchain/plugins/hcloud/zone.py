"""DNS zones and their record sets."""

from __future__ import annotations

from local.toolchain.plugins.hcloud import checks
from local.toolchain.plugins.hcloud.adoption import adoptable
from local.toolchain.plugins.hcloud.api import Answer, ApiError, Operation
from local.toolchain.plugins.hcloud.attributes import Attribute
from local.toolchain.plugins.hcloud.common import described, protect, rename
from local.toolchain.plugins.hcloud.resource import HcloudResource
from provider.plugin import CheckFailure, PluginError, Properties

NAMESERVER = {
    "address": Attribute(required=True),
    "port": Attribute("int", default=53),
    "tsigAlgorithm": Attribute(),
    "tsigKey": Attribute(),
}
NAMESERVER_KEYS = {"address": "address", "port": "port", "tsigAlgorithm": "tsig_algorithm", "tsigKey": "tsig_key"}
SOA = "SOA"


class Zone(HcloudResource):
    """A domain that Hetzner's name servers answer for."""

    kind = "zones"
    framework = True
    numeric_id = True
    attributes = {
        "name": Attribute(replaces=True),
        "mode": Attribute(required=True, replaces=True),
        "ttl": Attribute("int", default=3600),
        "labels": checks.FRAMEWORK_LABELS,
        "deleteProtection": Attribute("bool", computed=True, stable=False),
        "primaryNameservers": Attribute("list", fields=NAMESERVER, computed=True, stable=False),
        "authoritativeNameservers": Attribute(
            "object", fields={"assigneds": Attribute("list", singular="assigned")}, computed=True, stable=False
        ),
        "registrar": Attribute(computed=True, stable=False),
    }
    outputs_only = ("authoritativeNameservers", "registrar")

    def combinations(self, inputs: Properties) -> list[CheckFailure]:
        mode, nameservers = inputs.get("mode"), inputs.get("primaryNameservers")
        if mode == "primary" and isinstance(nameservers, list):
            return [CheckFailure("primaryNameservers", "forbidden when mode is primary")]
        if mode == "secondary" and not nameservers:
            return [CheckFailure("primaryNameservers", "required when mode is secondary")]
        return []

    def make(self, operation: Operation, new: Properties) -> tuple[str, Answer]:
        body: Answer = {"name": new["name"], "mode": new["mode"], "ttl": new["ttl"], "labels": new["labels"]}
        if new["primaryNameservers"]:
            body["primary_nameservers"] = [_nameserver(item) for item in new["primaryNameservers"]]
        answer = operation.begin("/zones", body)
        return str(answer["zone"]["id"]), answer

    def finish(self, operation: Operation, identity: str, new: Properties) -> None:
        if new["deleteProtection"] is not None:
            protect(operation, f"/zones/{identity}", delete=new["deleteProtection"])

    def parse(self, identity: str) -> Properties | None:
        return {} if identity else None

    def look(self, operation: Operation, identity: str, known: Properties) -> Properties | None:
        found = operation.find("zones", identity)
        if found is None:
            return None
        return described(found) | {
            "mode": found["mode"],
            "ttl": found["ttl"],
            "primaryNameservers": [
                {name: item.get(key) for name, key in NAMESERVER_KEYS.items()} for item in found["primary_nameservers"]
            ],
            "authoritativeNameservers": {"assigneds": found["authoritative_nameservers"]["assigned"]},
            "registrar": found["registrar"],
        }

    def alter(self, operation: Operation, identity: str, old: Properties, new: Properties) -> None:
        path = f"/zones/{identity}"
        if old.get("ttl") != new["ttl"]:
            operation.post(f"{path}/actions/change_ttl", {"ttl": new["ttl"]})
        nameservers = new["primaryNameservers"]
        if nameservers and self._differs("primaryNameservers", old, new):
            body = {"primary_nameservers": [_nameserver(item) for item in nameservers]}
            operation.post(f"{path}/actions/change_primary_nameservers", body)
        protection = new["deleteProtection"]
        if protection is not None and old.get("deleteProtection") != protection:
            protect(operation, path, delete=protection)
        rename(operation, path, {"labels": "labels"}, old, new)

    def remove(self, operation: Operation, identity: str, old: Properties) -> None:
        operation.delete(f"/zones/{identity}")


class ZoneRrset(HcloudResource):
    """All records of one name and type; its id says both. The zone's own SOA is neither made nor deleted."""

    framework = True
    attributes = {
        "zone": Attribute(required=True, replaces=True),
        "name": Attribute(replaces=True),
        "type": Attribute(required=True, replaces=True),
        "ttl": Attribute("int"),
        "labels": checks.FRAMEWORK_LABELS,
        "changeProtection": Attribute("bool", computed=True, stable=False),
        "records": Attribute("set", fields={"value": Attribute(required=True), "comment": Attribute()}, required=True),
    }

    def combinations(self, inputs: Properties) -> list[CheckFailure]:
        return [CheckFailure("records", "must contain at least 1 element")] if inputs["records"] == [] else []

    def parse(self, identity: str) -> Properties | None:
        zone, _, rest = identity.partition("/")
        return {"zone": zone} if "/" in rest else None

    def identity_of(self, identity: str, values: Properties) -> str:
        return identity.partition("/")[2]

    def make(self, operation: Operation, new: Properties) -> tuple[str, Answer]:
        identity = f"{new['name']}/{new['type']}"
        if new["type"] == SOA:
            if self._find(operation, new["zone"], identity) is None:
                raise PluginError(f"zone {new['zone']} has no record set {identity}")
            return identity, {}
        body: Answer = {
            "name": new["name"],
            "type": new["type"],
            "ttl": new["ttl"],
            "labels": new["labels"],
            "records": [_record(record) for record in new["records"]],
        }
        answer = operation.begin(f"/zones/{new['zone']}/rrsets", body)
        return str(answer["rrset"]["id"]), answer

    def finish(self, operation: Operation, identity: str, new: Properties) -> None:
        if new["changeProtection"] is not None:
            self._protect(operation, identity, new)

    def existing(self, operation: Operation, new: Properties) -> str | None:
        identity = f"{new['name']}/{new['type']}"
        found = self._find(operation, new["zone"], identity)
        return identity if found and adoptable(found, new) else None

    def look(self, operation: Operation, identity: str, known: Properties) -> Properties | None:
        found = self._find(operation, known["zone"], identity)
        if found is None:
            return None
        return {
            "name": found["name"],
            "type": found["type"],
            "ttl": found["ttl"],
            "labels": found["labels"],
            "changeProtection": found["protection"]["change"],
            "records": [
                {"value": _value(record["value"], found["type"]), "comment": record.get("comment") or None}
                for record in found["records"]
            ],
        }

    def alter(self, operation: Operation, identity: str, old: Properties, new: Properties) -> None:
        path = f"/zones/{new['zone']}/rrsets/{identity}"
        protection = new["changeProtection"]
        changed = protection is not None and protection != old.get("changeProtection")
        if changed and not protection:
            self._protect(operation, identity, new)
        if old.get("ttl") != new["ttl"]:
            operation.post(f"{path}/actions/change_ttl", {"ttl": new["ttl"]})
        if self._differs("records", old, new):
            body = {"records": [_record(record) for record in new["records"]]}
            operation.post(f"{path}/actions/set_records", body)
        rename(operation, path, {"labels": "labels"}, old, new)
        if changed and protection:
            self._protect(operation, identity, new)

    def remove(self, operation: Operation, identity: str, old: Properties) -> None:
        if old["type"] != SOA:
            operation.delete(f"/zones/{old['zone']}/rrsets/{identity}")

    def _protect(self, operation: Operation, identity: str, new: Properties) -> None:
        protect(operation, f"/zones/{new['zone']}/rrsets/{identity}", change=new["changeProtection"])

    def _find(self, operation: Operation, zone: str, identity: str) -> Answer | None:
        try:
            found: Answer = operation.request("GET", f"/zones/{zone}/rrsets/{identity}")["rrset"]
        except ApiError as error:
            if error.code == "not_found":
                return None
            raise
        return found


def _nameserver(item: Properties) -> Answer:
    return {key: item[name] for name, key in NAMESERVER_KEYS.items() if item.get(name)}


def _record(record: Properties) -> Answer:
    return {"value": record["value"]} | ({"comment": record["comment"]} if record.get("comment") else {})


def _value(text: str, kind: str) -> str:
    """The serial number, which counts changes of the whole zone, is left out."""
    parts = text.split(" ")
    if kind == SOA and len(parts) > 2:
        parts[2] = "0"
    return " ".join(parts)
