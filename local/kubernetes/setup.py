"""What a cluster holds before the first deployment: CRDs, and in the sandbox's own cluster nodes and storage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from local.kubernetes.api import ClusterApi, ClusterError
from local.kubernetes.manifests import crd_folder
from local.kubernetes.nodes import Node

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NODES = "/api/v1/nodes"
CONDITION_TAINT = "node.kubernetes.io/"
# That of a person who cordoned the node, and means it.
CORDONED_TAINT = "node.kubernetes.io/unschedulable"
# Lists without the objects' bodies: the CRDs' alone are megabytes.
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# On every CRD that was installed here: the key of the published files it comes from.
SOURCE = "foundation.sandbox/source"
SETTLE_TIMEOUT = 60.0

STORAGE_CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {
        "name": "kwok-volume",
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
    },
    # kwok's volume stages bind the claims that name this provisioner.
    "provisioner": "kwok.x-k8s.io/volume",
    "reclaimPolicy": "Delete",
    "volumeBindingMode": "Immediate",
}


def install_crds(api: ClusterApi) -> None:
    """Install the published CRDs that are missing or of another version, and wait until they are served.

    Raises ``ClusterError`` and ``BuildError``.
    """
    folder = crd_folder()
    listed = api.get(CRDS, METADATA_ONLY)["items"] or []
    installed = {crd["metadata"]["name"]: crd["metadata"].get("annotations", {}).get(SOURCE) for crd in listed}
    wanted = {file.stem: file for file in folder.glob("*.yaml")}
    for name, file in sorted(wanted.items()):
        if installed.get(name) != folder.name:
            api.apply(f"{CRDS}/{name}", _with_source(file, folder.name))
    _settle(
        "the CRDs to be established",
        lambda: [name for name in wanted if not _has_condition(api.get(f"{CRDS}/{name}"), "Established")],
    )


def add_nodes(api: ClusterApi, nodes: Sequence[Node]) -> None:
    """Create the nodes, or make them what they are to be, and wait until they are ready. Raises ``ClusterError``."""
    wanted = [node.name for node in nodes]
    for node in nodes:
        manifest = node.manifest()
        api.apply(f"{NODES}/{node.name}", manifest)
        # Of a node that exists already the server takes a new size by its status alone.
        api.apply(f"{NODES}/{node.name}/status", manifest)
    _settle(
        "the nodes to be ready",
        lambda: [name for name in wanted if not _takes_pods(api.get(f"{NODES}/{name}"))],
    )


def remove_node(api: ClusterApi, name: str) -> None:
    """Delete a node; its pods are the cluster's to replace. Idempotent. Raises ``ClusterError``."""
    api.delete(f"{NODES}/{name}")


def add_storage(api: ClusterApi) -> None:
    """Create the default storage class, whose volumes exist only as objects. Raises ``ClusterError``."""
    api.apply("/apis/storage.k8s.io/v1/storageclasses/kwok-volume", STORAGE_CLASS)


def _with_source(file: Path, source: str) -> dict[str, Any]:
    # The loader written in C: these are megabytes.
    crd: dict[str, Any] = yaml.load(file.read_text(), Loader=yaml.CSafeLoader)
    crd["metadata"].setdefault("annotations", {})[SOURCE] = source
    return crd


def _takes_pods(node: dict[str, Any] | None) -> bool:
    # A node stays tainted for a moment after it reports to be ready; pods that come then wait for seconds.
    taints = {taint["key"] for taint in (node or {}).get("spec", {}).get("taints", [])} - {CORDONED_TAINT}
    return _has_condition(node, "Ready") and not any(key.startswith(CONDITION_TAINT) for key in taints)


def _has_condition(resource: dict[str, Any] | None, kind: str) -> bool:
    # A new CRD has null for a moment.
    conditions = (resource or {}).get("status", {}).get("conditions") or []
    return any(condition["type"] == kind and condition["status"] == "True" for condition in conditions)


def _settle(what: str, pending: Callable[[], list[str]]) -> None:
    attempts = Retrying(retry=retry_if_result(bool), stop=stop_after_delay(SETTLE_TIMEOUT), wait=wait_fixed(0.1))
    try:
        attempts(pending)
    except RetryError as error:
        left = ", ".join(error.last_attempt.result())
        raise ClusterError(f"waited {SETTLE_TIMEOUT:.0f} s for {what}; still missing: {left}") from error
