"""What can be seen of a cluster in one look: whether its API is ready, its nodes, and its CRDs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from urllib3.exceptions import HTTPError, MaxRetryError, NameResolutionError, NewConnectionError

# Longer than any answer of an API that is well.
REQUEST_SECONDS = 10.0
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class UnusableKubeconfig(ValueError):
    """The kubeconfig can't be read. Shows nothing of it."""


def connect(kubeconfig: str, context: str | None) -> Any:
    """A client of the cluster; ``kubeconfig`` is a path or its content. Raises :class:`UnusableKubeconfig`."""
    # Half a second that only those who wait for a cluster pay.
    from kubernetes import client, config

    try:
        content = kubeconfig if "\n" in kubeconfig else Path(kubeconfig).expanduser().read_text()
        settings: Any = client.Configuration()
        # Whoever waits tries again himself; the client would log a line for each attempt.
        settings.retries = False
        load: Any = config.load_kube_config_from_dict
        load(yaml.safe_load(content), context=context, client_configuration=settings)
        return client.ApiClient(settings)
    except OSError as error:
        raise UnusableKubeconfig(f"the kubeconfig can't be read: {error.strerror}") from None
    except (yaml.YAMLError, config.ConfigException, TypeError, AttributeError, ValueError, KeyError):
        raise UnusableKubeconfig("the kubeconfig isn't one, or lacks the context that is asked for") from None


def look(client: Any, nodes: Sequence[str], crds: Sequence[str] = ()) -> str | None:
    """What is still missing, in words for people; None when the API, every node of ``nodes`` and every CRD of ``crds``
    are ready."""
    from kubernetes.client import ApiException

    try:
        status, text = _get(client, "/readyz", "*/*")
        if status != 200:
            return f"the API isn't ready yet: /readyz answered {status} {_first_line(text)}".rstrip()
        if nodes:
            status, text = _get(client, "/api/v1/nodes", "application/json")
            if status != 200:
                return f"the API refuses to list nodes: {status} {_reason(text)}".rstrip()
            seen = unready(nodes, json.loads(text)["items"])
            if seen is not None:
                return seen
        return _unserved(client, crds)
    except ApiException as error:
        # How the client tells of TLS.
        return f"no trusted connection to the API: {str(error.reason).splitlines()[-1]}"
    except (HTTPError, OSError) as error:
        return unreachable(error)


def unready(wanted: Sequence[str], found: Sequence[Mapping[str, Any]]) -> str | None:
    """Which of the nodes are missing, or there but not Ready; None when all are Ready."""
    known = {node["metadata"]["name"]: node for node in found}
    parts = []
    missing = [name for name in wanted if name not in known]
    if missing:
        parts.append(f"nodes that haven't joined: {', '.join(missing)}")
    for name in wanted:
        if name in known:
            condition = _not_ready(known[name])
            if condition is not None:
                parts.append(f"node {name} isn't Ready: {condition}")
    return "; ".join(parts) or None


def established(crd: Mapping[str, Any]) -> bool:
    """Whether objects of the CRD can be made."""
    conditions = crd.get("status", {}).get("conditions") or []
    return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)


def unreachable(error: Exception) -> str:
    """Why there was no answer."""
    cause: BaseException = error
    while isinstance(cause, MaxRetryError) and cause.reason is not None:
        cause = cause.reason
    match cause:
        case NameResolutionError():
            return "the API's host name can't be resolved"
        case NewConnectionError() if "refused" in str(cause):
            return "the API's port refuses connections: nothing listens there yet"
        case _:
            return f"the API doesn't answer: {type(cause).__name__}"


def _unserved(client: Any, crds: Sequence[str]) -> str | None:
    missing, unestablished = [], []
    for name in crds:
        # One by one: a list of all has megabytes.
        status, text = _get(client, f"{CRDS}/{name}", "application/json")
        if status == 404:
            missing.append(name)
        elif status != 200:
            return f"the API refuses to show CRDs: {status} {_reason(text)}".rstrip()
        elif not established(json.loads(text)):
            unestablished.append(name)
    parts = []
    if missing:
        parts.append(f"CRDs that aren't there: {', '.join(missing)}")
    if unestablished:
        parts.append(f"CRDs that aren't established: {', '.join(unestablished)}")
    return "; ".join(parts) or None


def _not_ready(node: Mapping[str, Any]) -> str | None:
    conditions = {item["type"]: item for item in node.get("status", {}).get("conditions") or []}
    ready = conditions.get("Ready")
    if ready is not None and ready["status"] == "True":
        return None
    pressures = [kind for kind, item in conditions.items() if kind != "Ready" and item["status"] == "True"]
    said = "it has reported nothing yet" if ready is None else f"{ready.get('reason')}: {ready.get('message')}"
    return ", ".join([said, *pressures])


def _get(client: Any, path: str, accept: str) -> tuple[int, str]:
    request = client.param_serialize("GET", path, header_params={"Accept": accept}, auth_settings=["BearerToken"])
    response = client.call_api(*request, _request_timeout=REQUEST_SECONDS)
    return response.status, response.read().decode(errors="replace")


def _reason(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return _first_line(text)


def _first_line(text: str) -> str:
    # /readyz says which check fails on a line of its own.
    failing = [line for line in text.splitlines() if line.startswith("[-]")]
    return (failing or text.splitlines() or [""])[0][:200]
