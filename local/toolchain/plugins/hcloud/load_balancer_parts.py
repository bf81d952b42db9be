"""What a load balancer listens to, and whom it hands that to."""

from __future__ import annotations

import hashlib

from local.toolchain.plugins.hcloud import checks
from local.toolchain.plugins.hcloud.adoption import ours
from local.toolchain.plugins.hcloud.api import Answer, ApiError, Operation
from local.toolchain.plugins.hcloud.attributes import Attribute
from local.toolchain.plugins.hcloud.resource import HcloudResource
from provider.plugin import CheckFailure, PluginError, Properties

PROTOCOL = checks.one_of("http", "https", "tcp")
HTTP = {
    "stickySessions": Attribute("bool", computed=True),
    "cookieName": Attribute(computed=True),
    "cookieLifetime": Attribute("int", computed=True),
    "certificates": Attribute("set", item="int", computed=True),
    "redirectHttp": Attribute("bool", computed=True),
    # In seconds (vendor documentation).
    "timeoutIdle": Attribute("int", computed=True, check=checks.between(30, 300)),
}
HTTP_KEYS = {
    "stickySessions": "sticky_sessions",
    "cookieName": "cookie_name",
    "cookieLifetime": "cookie_lifetime",
    "certificates": "certificates",
    "redirectHttp": "redirect_http",
    "timeoutIdle": "timeout_idle",
}
CHECK_HTTP = {
    "domain": Attribute(),
    "path": Attribute(),
    "response": Attribute(),
    "tls": Attribute("bool"),
    "statusCodes": Attribute("list"),
}
CHECK_HTTP_KEYS = {
    "domain": "domain",
    "path": "path",
    "response": "response",
    "tls": "tls",
    "statusCodes": "status_codes",
}
NUMBERS = ("port", "interval", "timeout", "retries")
HEALTH_CHECK = {
    "protocol": Attribute(required=True, check=PROTOCOL),
    **{name: Attribute("int", required=True) for name in NUMBERS},
    "http": Attribute("object", fields=CHECK_HTTP, computed=True),
}
PORTS = {"http": 80, "https": 443}
REMOVE_AGAIN = ("conflict", "locked")
TARGETS = {"server": "serverId", "label_selector": "labelSelector", "ip": "ip"}


class LoadBalancerService(HcloudResource):
    """A port that a load balancer listens on; its id is the load balancer's number, ``__`` and the port."""

    attributes = {
        "loadBalancerId": Attribute(required=True, replaces=True),
        "protocol": Attribute(required=True, replaces=True, check=PROTOCOL),
        "listenPort": Attribute("int", computed=True, replaces=True),
        "destinationPort": Attribute("int", computed=True),
        "proxyprotocol": Attribute("bool", computed=True),
        "http": Attribute("object", fields=HTTP, computed=True),
        "healthCheck": Attribute("object", fields=HEALTH_CHECK, computed=True),
    }

    def parse(self, identity: str) -> Properties | None:
        number, _, port = identity.partition("__")
        return {"loadBalancerId": number} if number.isdecimal() and port.isdecimal() else None

    def make(self, operation: Operation, new: Properties) -> tuple[str, Answer]:
        body = _service(new) | {"listen_port": new["listenPort"] or PORTS.get(new["protocol"])}
        path = f"/load_balancers/{new['loadBalancerId']}/actions/add_service"
        # One that is being removed may have the port still.
        answer = operation.begin(path, body, again=("service_error",))
        return f"{new['loadBalancerId']}__{body['listen_port']}", answer

    def existing(self, operation: Operation, new: Properties) -> str | None:
        identity = f"{new['loadBalancerId']}__{new['listenPort'] or PORTS.get(new['protocol'])}"
        balancer, service = self._service(operation, identity)
        return identity if balancer and service and ours(balancer["labels"]) else None

    def look(self, operation: Operation, identity: str, known: Properties) -> Properties | None:
        balancer, service = self._service(operation, identity)
        if balancer is None or service is None:
            return None
        values = {
            "loadBalancerId": str(balancer["id"]),
            "protocol": service["protocol"],
            "listenPort": service["listen_port"],
            "destinationPort": service["destination_port"],
            "proxyprotocol": service["proxyprotocol"],
            "healthCheck": _found_check(service["health_check"]),
            "http": None,
        }
        if service["protocol"] != "tcp":
            values["http"] = {name: service["http"].get(key) for name, key in HTTP_KEYS.items()}
        return values

    def alter(self, operation: Operation, identity: str, old: Properties, new: Properties) -> None:
        path = f"/load_balancers/{new['loadBalancerId']}/actions/update_service"
        body = _service(new) | {"listen_port": int(identity.partition("__")[2])}
        operation.post(path, body | {"proxyprotocol": bool(new["proxyprotocol"])})

    def remove(self, operation: Operation, identity: str, old: Properties) -> None:
        balancer, service = self._service(operation, identity)
        if balancer is not None and service is not None:
            path = f"/load_balancers/{balancer['id']}/actions/delete_service"
            try:
                operation.post(path, {"listen_port": service["listen_port"]})
            except ApiError as error:
                if error.code != "not_found":
                    raise

    def _service(self, operation: Operation, identity: str) -> tuple[Answer | None, Answer | None]:
        number, _, port = identity.partition("__")
        balancer = operation.find("load_balancers", number) if number.isdecimal() else None
        if balancer is None:
            return None, None
        services = (service for service in balancer["services"] if str(service["listen_port"]) == port)
        return balancer, next(services, None)


class LoadBalancerTarget(HcloudResource):
    """Whom a load balancer hands its traffic to."""

    attributes = {
        "type": Attribute(required=True, check=checks.one_of(*TARGETS)),
        "loadBalancerId": Attribute("int", required=True, replaces=True),
        "serverId": Attribute("int", replaces=True),
        "labelSelector": Attribute(replaces=True),
        "ip": Attribute(replaces=True),
        "usePrivateIp": Attribute("bool", computed=True),
    }

    def combinations(self, inputs: Properties) -> list[CheckFailure]:
        given = [name for name in TARGETS.values() if inputs.get(name) is not None]
        if len(given) != 1:
            names = ", ".join(TARGETS.values())
            return [CheckFailure(given[0] if given else "serverId", f"exactly one of these must be given: {names}")]
        if inputs.get("ip") is not None and inputs.get("usePrivateIp") is not None:
            return [CheckFailure("ip", "conflicts with usePrivateIp")]
        return []

    def parse(self, identity: str) -> Properties | None:
        parts = identity.split("__", 2)
        if len(parts) != 3 or not parts[0].isdecimal() or parts[1] not in TARGETS:
            return None
        number, kind, what = parts
        return {"loadBalancerId": int(number), "type": kind, TARGETS[kind]: int(what) if kind == "server" else what}

    def identity_of(self, identity: str, values: Properties) -> str:
        return _target_id(values)

    def make(self, operation: Operation, new: Properties) -> tuple[str, Answer]:
        if not new.get(TARGETS[new["type"]]):
            raise PluginError(f"target type {new['type']}: missing {TARGETS[new['type']]}")
        path = f"/load_balancers/{new['loadBalancerId']}"
        private = bool(new["usePrivateIp"])
        if private and not operation.until(lambda: self._has_network(operation, new["loadBalancerId"])):
            raise PluginError(f"load balancer {new['loadBalancerId']}: no private networks")
        body = _target(new) | ({"use_private_ip": private} if new["usePrivateIp"] is not None else {})
        try:
            return _target_id(new), operation.begin(f"{path}/actions/add_target", body)
        except ApiError as error:
            if error.code != "target_already_defined":
                raise
            return _target_id(new), {}

    def look(self, operation: Operation, identity: str, known: Properties) -> Properties | None:
        found = self._find(operation, known)
        if found is None:
            return None
        values = {name: known.get(name) for name in ("type", "loadBalancerId", *TARGETS.values())}
        private = None if found["type"] == "ip" else found.get("use_private_ip", False)
        return values | {"usePrivateIp": private}

    def alter(self, operation: Operation, identity: str, old: Properties, new: Properties) -> None:
        self.remove(operation, identity, old)
        operation.wait(self.make(operation, new)[1])

    def remove(self, operation: Operation, identity: str, old: Properties) -> None:
        if self._find(operation, old) is None:
            return
        path = f"/load_balancers/{old['loadBalancerId']}/actions/remove_target"
        try:
            operation.post(path, _target(old), again=REMOVE_AGAIN)
        except ApiError as error:
            # It may be gone with the network meanwhile.
            if error.code != "load_balancer_target_not_found" and "target not found" not in str(error):
                raise

    def _find(self, operation: Operation, known: Properties) -> Answer | None:
        balancer = operation.find("load_balancers", known["loadBalancerId"])
        wanted = _target(known)
        kind = wanted["type"]
        for target in balancer["targets"] if balancer else ():
            if target["type"] == kind and {**target[kind], **wanted[kind]} == target[kind]:
                return dict(target)
        return None

    def _has_network(self, operation: Operation, number: int) -> bool:
        balancer = operation.find("load_balancers", number)
        return balancer is not None and bool(balancer["private_net"])


def _target(values: Properties) -> Answer:
    kind = values["type"]
    keys = {"server": "id", "label_selector": "selector", "ip": "ip"}
    return {"type": kind, kind: {keys[kind]: values[TARGETS[kind]]}}


def _target_id(values: Properties) -> str:
    kind, what = values["type"], values[TARGETS[values["type"]]]
    if kind == "server":
        return f"lb-srv-tgt-{what}-{values['loadBalancerId']}"
    digest = hashlib.sha256(what.encode()).hexdigest()
    return f"lb-{kind.replace('_', '-')}-tgt-{digest}-{values['loadBalancerId']}"


def _service(new: Properties) -> Answer:
    body: Answer = {"protocol": new["protocol"]}
    if new["destinationPort"]:
        body["destination_port"] = new["destinationPort"]
    if new["proxyprotocol"]:
        body["proxyprotocol"] = True
    if new["http"]:
        body["http"] = {key: new["http"][name] for name, key in HTTP_KEYS.items() if new["http"].get(name) is not None}
        # Nothing stands for the API's own choice.
        body["http"] = {key: value for key, value in body["http"].items() if value or isinstance(value, bool)}
    if new["healthCheck"]:
        given = new["healthCheck"]
        body["health_check"] = {name: given[name] for name in ("protocol", *NUMBERS)}
        if given.get("http"):
            http = given["http"]
            body["health_check"]["http"] = {
                "domain": http.get("domain") or "",
                "path": http.get("path") or "",
                "response": http.get("response") or "",
                "tls": bool(http.get("tls")),
                "status_codes": http.get("statusCodes") or [],
            }
    return body


def _found_check(found: Answer) -> Properties:
    values: Properties = {name: found[name] for name in ("protocol", *NUMBERS)}
    http = found.get("http")
    return values | {"http": {name: http.get(key) for name, key in CHECK_HTTP_KEYS.items()} if http else None}
