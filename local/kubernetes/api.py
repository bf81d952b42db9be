"""The few calls that the sandbox makes to a cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kubernetes import client, config
from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

# Owner of the fields that the sandbox sets, as `kubectl get --show-managed-fields` names it.
FIELD_MANAGER = "foundation-sandbox"
REQUEST_TIMEOUT = 30.0


class ClusterError(RuntimeError):
    """The cluster refused a request or did not answer."""


class ClusterApi:
    """A cluster, by its kubeconfig (of which the current context counts)."""

    def __init__(self, kubeconfig: Path) -> None:
        settings: Any = client.Configuration()
        # Who waits for a server does so himself; the client would log a warning for every attempt.
        settings.retries = False
        load: Any = config.load_kube_config
        load(config_file=str(kubeconfig), client_configuration=settings)
        self._client: Any = client.ApiClient(settings)

    def close(self) -> None:
        """Drop the connections."""
        self._client.close()

    def get(self, path: str, accept: str = "application/json") -> Any:
        """The parsed object at ``path``, or None where there is none. Raises ``ClusterError``."""
        answer = self._call("GET", path, accept)
        return None if answer is None else json.loads(answer)

    def apply(self, path: str, manifest: dict[str, Any] | str) -> None:
        """Server-side apply of an object, or of its YAML text. Raises ``ClusterError``."""
        body = manifest if isinstance(manifest, str) else json.dumps(manifest)
        self._call("PATCH", f"{path}?fieldManager={FIELD_MANAGER}&force=true", "application/json", body)

    def delete(self, path: str) -> None:
        """Delete the object at ``path``, if there is one. Raises ``ClusterError``."""
        self._call("DELETE", path, "application/json")

    def ready(self) -> bool:
        """Whether the API server says that it is ready."""
        try:
            return self._call("GET", "/readyz", "*/*") == "ok"
        except ClusterError:
            return False

    def _call(self, method: str, path: str, accept: str, body: str | None = None) -> str | None:
        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = "application/apply-patch+yaml"
        request = self._client.param_serialize(
            method, path, header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        try:
            response = self._client.call_api(*request, _request_timeout=REQUEST_TIMEOUT)
            text: str = response.read().decode()
        except (ApiException, HTTPError, OSError) as error:
            raise ClusterError(f"{method} {path}: {error}") from error
        if response.status == 404 and method in ("GET", "DELETE"):
            return None
        if response.status >= 300:
            raise ClusterError(f"{method} {path}: {response.status} {text}")
        return text
