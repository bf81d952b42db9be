"""Kinds that are ready as soon as a controller has looked at them."""

from __future__ import annotations

from local.toolchain.plugins.kubernetes.awaiting.observing import Readiness
from local.toolchain.plugins.kubernetes.awaiting.pods import condition
from local.toolchain.plugins.kubernetes.catalog import BUILT_IN
from local.toolchain.plugins.kubernetes.client import ApiError
from local.toolchain.plugins.kubernetes.objects import Object, find

_STORAGE_CLASSES = BUILT_IN["storage.k8s.io/v1", "StorageClass"]


class ClaimReadiness(Readiness):
    """Bound, or waiting for its first Pod where the storage class binds only then."""

    checked_on_read = False
    timeout = 300.0

    _mode: str | None = None

    def ready(self, live: Object) -> bool:
        phase = find(live, "status", "phase")
        if phase == "Bound":
            return True
        self.watched.log(f"Waiting for the claim to be bound (it is {phase})")
        return phase == "Pending" and self._binding_mode(live) == "WaitForFirstConsumer"

    def _binding_mode(self, live: Object) -> str:
        name = find(live, "spec", "storageClassName")
        if self._mode is None and name:
            try:
                found = self.watched.client.get(_STORAGE_CLASSES.path("", str(name)))
            except ApiError:
                return ""
            self._mode = str(found.get("volumeBindingMode", ""))
        return self._mode or ""


class QuotaReadiness(Readiness):
    """Counted by its controller."""

    checked_on_read = False
    timeout = 60.0

    def ready(self, live: Object) -> bool:
        return bool(find(live, "spec", "hard") == find(live, "status", "hard"))


class SecretReadiness(Readiness):
    """A service account's token is filled in by a controller; any other Secret is ready at once."""

    checked_on_read = False
    timeout = 5.0

    def ready(self, live: Object) -> bool:
        return live.get("type") != "kubernetes.io/service-account-token" or bool(live.get("data"))


class DefinitionReadiness(Readiness):
    """Established, so that objects of the new kind can be made next."""

    checked_on_read = False

    def ready(self, live: Object) -> bool:
        return condition(live, "Established").get("status") == "True"
