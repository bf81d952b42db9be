"""Plays cert-manager in the sandbox: every Certificate gets its Secret, signed by the sandbox's own authority."""

from __future__ import annotations

import base64
import datetime
import hashlib
import re
import threading
from typing import Any

from local.kubernetes.api import ClusterApi, ClusterError
from local.traefik.authority import Authority

CERTIFICATES = "/apis/cert-manager.io/v1"
ROUTES = "/apis/traefik.io/v1alpha1/ingressroutes"
# The names that a Secret's certificate is for, on the Secret.
NAMES = "cert-manager.io/alt-names"
OF = "cert-manager.io/certificate-name"
PERIOD = 1.0
"""Seconds between two looks."""
# The platform's own hosts (FC-235), whose route matches every host.
PLATFORM = ("app", "auth", "admin")
HOST = re.compile(r"Host\(`([^`*]+)`\)")


class Issuer:
    """Looks at a cluster's Certificates and issues what is missing.

    Browsers and TLS libraries take no wildcard directly below a name of one label such as ``localhost``: there the
    certificate names each host that has a route instead.
    """

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    def run(self, connect: Any, stopped: threading.Event) -> None:
        """Issue until stopped. What goes wrong, such as a cluster that isn't there yet, is tried again."""
        api: ClusterApi | None = None
        while not stopped.wait(PERIOD):
            try:
                api = api or connect()
                self.issue_missing(api)
            except (ClusterError, OSError, ValueError):
                # Its port or its token may have changed.
                api = None

    def issue_missing(self, api: ClusterApi) -> None:
        """One look. Raises ``ClusterError``."""
        certificates = (api.get(f"{CERTIFICATES}/certificates") or {}).get("items") or []
        if not certificates:
            return
        routes = (api.get(ROUTES) or {}).get("items") or []
        matches = [rule.get("match", "") for route in routes for rule in route["spec"].get("routes", [])]
        hosts = sorted({host for match in matches for host in HOST.findall(match)})
        for certificate in certificates:
            self._issue(api, certificate, _names(certificate["spec"].get("dnsNames", []), hosts))

    def _issue(self, api: ClusterApi, certificate: dict[str, Any], names: list[str]) -> None:
        if not names:
            return
        metadata = certificate["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/secrets/{certificate['spec']['secretName']}"
        wanted = hashlib.sha256(",".join(names).encode()).hexdigest()[:32]
        there = api.get(path)
        if there is not None and there["metadata"].get("annotations", {}).get(NAMES) == wanted:
            return
        issued = self._authority.issue(names)
        values = {"tls.crt": issued.chain, "tls.key": issued.key, "ca.crt": self._authority.certificate.read_text()}
        api.apply(
            path,
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "type": "kubernetes.io/tls",
                "metadata": {
                    "name": certificate["spec"]["secretName"],
                    "namespace": metadata["namespace"],
                    "labels": certificate["spec"].get("secretTemplate", {}).get("labels", {}),
                    "annotations": {NAMES: wanted, OF: metadata["name"]},
                },
                "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
            },
        )
        api.apply(
            f"{CERTIFICATES}/namespaces/{metadata['namespace']}/certificates/{metadata['name']}/status",
            {
                "apiVersion": "cert-manager.io/v1",
                "kind": "Certificate",
                "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
                "status": {
                    "notAfter": _time(issued.not_after),
                    "conditions": [
                        {
                            "type": "Ready",
                            "status": "True",
                            "reason": "Ready",
                            "message": "Issued by the sandbox's authority",
                            "lastTransitionTime": _time(datetime.datetime.now(datetime.UTC)),
                        }
                    ],
                },
            },
        )


def _names(wanted: list[str], hosts: list[str]) -> list[str]:
    names = []
    for name in wanted:
        parent = name.removeprefix("*.")
        if name == parent or "." in parent:
            names.append(name)
        else:
            names += [f"{platform}.{parent}" for platform in PLATFORM]
            names += [host for host in hosts if host.endswith(f".{parent}") and host.count(".") == 1]
    return sorted(set(names))


def _time(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
