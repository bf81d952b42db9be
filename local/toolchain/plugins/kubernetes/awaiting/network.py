"""Services and Ingresses."""

from __future__ import annotations

import time
from typing import Any

from local.toolchain.plugins.kubernetes.awaiting.observing import Readiness
from local.toolchain.plugins.kubernetes.catalog import BUILT_IN, Api
from local.toolchain.plugins.kubernetes.objects import Object, find, name_of

ENDPOINT_SLICES = Api("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", True)
SERVICES = BUILT_IN["v1", "Service"]
_SERVICE_LABEL = "kubernetes.io/service-name"


class ServiceReadiness(Readiness):
    """With an address where it needs one from outside, and no selected Pod that isn't ready yet.

    A Service whose selector matches no Pod is ready, as it is for the published plugin. That one gives the endpoints
    ten seconds without a change to settle; Pods of a local environment start within a fraction of that.
    """

    SETTLE_SECONDS = 1.0
    poll_seconds = 0.25

    _live: Object = {}
    _seen: Any = None
    _since = 0.0

    def ready(self, live: Object) -> bool:
        self._live = live
        if not self._has_address():
            self.watched.log("Attempting to allocate IP address to Service")
            return False
        if not self._selects():
            return True
        found = self._endpoints()
        if found != self._seen:
            self._seen, self._since = found, time.monotonic()
        # A refresh looks once; what it sees has settled long ago.
        refreshing = self.before is self.made
        if False in (found or ()) or (found is None and not refreshing):
            self.watched.log("Finding Pods to direct traffic to")
            return False
        return refreshing or time.monotonic() - self._since >= self.SETTLE_SECONDS

    def fulfilled(self, live: Object) -> bool:
        return self._has_address() and False not in (self._endpoints() or ())

    def reasons(self) -> list[str]:
        found = []
        if self._selects() and True not in (self._endpoints() or ()):
            found.append(
                "Service does not target any Pods. Selected Pods may not be ready, or "
                "field '.spec.selector' may not match labels on any Pods"
            )
        if not self._has_address():
            found.append("Service was not allocated an IP address; does your cloud provider support this?")
        return found

    def _has_address(self) -> bool:
        balanced = find(self._live, "spec", "type") == "LoadBalancer"
        return not balanced or bool(find(self._live, "status", "loadBalancer", "ingress"))

    def _selects(self) -> bool:
        spec = self._live.get("spec") or {}
        return bool(spec.get("selector")) and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None"

    def _endpoints(self) -> tuple[bool, ...] | None:
        """Whether each endpoint is ready, None before the controller saw the Service."""
        slices = self.watched.siblings(ENDPOINT_SLICES, labelSelector=f"{_SERVICE_LABEL}={self.watched.name}")
        if not slices:
            return None
        conditions = [entry.get("conditions") or {} for part in slices for entry in part.get("endpoints") or []]
        return tuple(one.get("ready") is not False for one in conditions if not one.get("terminating"))


class IngressReadiness(Readiness):
    """With an address, and a Service for every path."""

    poll_seconds = 1.0

    _live: Object = {}

    def ready(self, live: Object) -> bool:
        self._live = live
        missing = self._missing_services()
        if missing:
            self.watched.log(f"Finding a matching service for each Ingress path (missing: {', '.join(missing)})")
        elif not self._has_address():
            self.watched.log("Waiting for update of .status.loadBalancer with hostname/IP")
        return self._has_address() and not missing

    def reasons(self) -> list[str]:
        found = []
        if self._missing_services():
            found.append("Ingress has at least one rule with an unavailable target endpoint.")
        if not self._has_address():
            found.append("Ingress .status.loadBalancer field was not updated with a hostname/IP address.")
        return found

    def _has_address(self) -> bool:
        return bool(find(self._live, "status", "loadBalancer", "ingress"))

    def _missing_services(self) -> list[str]:
        rules = find(self._live, "spec", "rules") or []
        paths = [path for rule in rules for path in find(rule, "http", "paths") or []]
        wanted = {find(path, "backend", "service", "name") for path in paths} - {None}
        return sorted(wanted - {name_of(service) for service in self.watched.siblings(SERVICES)})
