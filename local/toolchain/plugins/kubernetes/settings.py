"""The provider's configuration: what the user wrote, else environment variables, else the defaults."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from local.toolchain.plugins.kubernetes.client import ApiError, Client, Unreachable
from local.toolchain.plugins.kubernetes.kubeconfig import Choice, Kubeconfig, KubeconfigError, chosen, namespace
from provider.plugin import CheckFailure, InvalidInputs, Properties, reveal

# The published plugin's settings that this one doesn't have, and what to say when somebody wants one.
_UNSUPPORTED = {
    "renderYamlToDirectory": "YAML rendering isn't supported in local environments",
    "alwaysRender": "YAML rendering isn't supported in local environments",
    "strictMode": "strict mode isn't supported in local environments",
    "rejectUnknownResources": "rejecting unknown resources isn't supported in local environments",
}
_SERVER_SIDE_APPLY = (
    "only server-side apply (enableServerSideApply: true, the default) is supported in local environments"
)


@dataclass(frozen=True)
class Settings:
    """Flags of the provider; each is false unless the configuration or its environment variable says otherwise."""

    config_map_mutable: bool
    secret_mutable: bool
    patch_force: bool
    upsert: bool
    delete_unreachable: bool
    skip_update_unreachable: bool


@dataclass(frozen=True)
class Cluster:
    """What operations use: the settings, the namespace for objects without one, and a client.

    ``client`` is None when the cluster can't be reached; ``unreachable`` then says why.
    """

    settings: Settings
    namespace: str
    client: Client | None
    unreachable: str = ""


def check(inputs: Properties) -> list[CheckFailure]:
    """What is wrong with the provider's inputs."""
    failures = [
        CheckFailure(key, reason) for key, reason in _UNSUPPORTED.items() if _text(inputs.get(key)) not in ("", "false")
    ]
    if not _flag(inputs, "enableServerSideApply", "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY", default=True):
        failures.append(CheckFailure("enableServerSideApply", _SERVER_SIDE_APPLY))
    return failures


def choice(inputs: Properties) -> Choice:
    """Which cluster the inputs choose."""
    return Choice(
        kubeconfig=_text(inputs.get("kubeconfig")),
        context=_text(inputs.get("context")),
        cluster=_text(inputs.get("cluster")),
        namespace=_text(inputs.get("namespace")),
    )


def configure(inputs: Properties) -> Cluster:
    """Connects. A cluster that can't be reached is no error before something must be done in it."""
    failures = check(inputs)
    if failures:
        raise InvalidInputs("; ".join(f"{failure.property}: {failure.reason}" for failure in failures))
    settings = Settings(
        config_map_mutable=_flag(inputs, "enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
        secret_mutable=_flag(inputs, "enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
        patch_force=_flag(inputs, "enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
        upsert=_flag(inputs, "upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
        delete_unreachable=_flag(inputs, "deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
        skip_update_unreachable=_flag(inputs, "skipUpdateUnreachable", "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"),
    )
    default = _text(inputs.get("namespace")) or "default"
    try:
        document = chosen(choice(inputs))
        default = namespace(document)
        client = _connect(document, inputs)
    except (KubeconfigError, Unreachable, ApiError) as error:
        return Cluster(settings, default, None, str(error))
    return Cluster(settings, default, client)


def _connect(document: Kubeconfig, inputs: Properties) -> Client:
    # qps and burst are the published plugin's own brake; the API server's flow control does the same here.
    given = _parsed(inputs.get("kubeClientSettings"))
    timeout = given.get("timeout") or os.environ.get("PULUMI_K8S_CLIENT_TIMEOUT")
    client = Client(document, timeout=float(timeout) if timeout else None)
    client.get("/version")
    return client


def _parsed(value: Any) -> dict[str, Any]:
    """A nested setting, which SDKs send as JSON text."""
    value = reveal(value)
    if isinstance(value, str) and value:
        value = json.loads(value)
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    """A setting as text; a kubeconfig may be given as an object, a flag as a boolean."""
    value = reveal(value)
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _flag(inputs: Properties, key: str, variable: str, *, default: bool = False) -> bool:
    given = inputs.get(key)
    text = _text(given) if given is not None else os.environ.get(variable, "")
    return text == "true" if text else default
