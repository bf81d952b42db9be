"""Pods are restricted (FC-164, FC-256, FC-311) and bounded (FC-165)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policies.plain import UNKNOWN, Properties, Resource, items, section
from policies.rules.types import ResourceRule

_TEMPLATES: dict[str, tuple[str, ...]] = {
    "kubernetes:core/v1:Pod": ("spec",),
    "kubernetes:apps/v1:Deployment": ("spec", "template", "spec"),
    "kubernetes:apps/v1:StatefulSet": ("spec", "template", "spec"),
    "kubernetes:apps/v1:DaemonSet": ("spec", "template", "spec"),
    "kubernetes:apps/v1:ReplicaSet": ("spec", "template", "spec"),
    "kubernetes:batch/v1:Job": ("spec", "template", "spec"),
    "kubernetes:batch/v1:CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
"""Where each workload type keeps its pod's spec."""


def pod_spec(resource: Resource) -> Properties | None:
    """The spec of the pods that ``resource`` makes; None when it makes none."""
    path = _TEMPLATES.get(resource.type)
    return None if path is None else section(resource.properties, *path)


def containers(spec: Properties) -> Iterator[tuple[str, Properties]]:
    """Every container of a pod with its name, those that only initialise included."""
    for key in ("initContainers", "containers", "ephemeralContainers"):
        for container in items(spec, key):
            yield str(container.get("name", key)), container


def _is(value: Any, wanted: Any) -> bool:
    """Whether a value is as wanted; one that isn't known yet gets the benefit of the doubt."""
    return value is UNKNOWN or value == wanted


def _restricted(resource: Resource) -> Iterator[str]:
    spec = pod_spec(resource)
    if spec is None:
        return
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if not _is(spec.get(field, False), False):
            yield f"spec.{field} must not be true"
    for volume in items(spec, "volumes"):
        if "hostPath" in volume:
            yield f"volume {volume.get('name')} must not be a hostPath"
    pod = section(spec, "securityContext")
    for name, container in containers(spec):
        for offence in _privileges(pod, section(container, "securityContext")):
            yield f"container {name}: securityContext.{offence}"


def _privileges(pod: Properties, own: Properties) -> Iterator[str]:
    """What a container's security context, over its pod's, allows too much."""
    if not _is(own.get("runAsNonRoot", pod.get("runAsNonRoot")), True):
        yield "runAsNonRoot must be true"
    if not _is(own.get("privileged", False), False):
        yield "privileged must not be true"
    if not _is(own.get("allowPrivilegeEscalation"), False):
        yield "allowPrivilegeEscalation must be false"
    if not _is(own.get("readOnlyRootFilesystem"), True):
        yield "readOnlyRootFilesystem must be true"
    capabilities = own.get("capabilities")
    if capabilities is not UNKNOWN and not _is(section(capabilities).get("drop"), ["ALL"]):
        yield "capabilities.drop must be [ALL]"
    profile = own.get("seccompProfile", pod.get("seccompProfile"))
    if profile is not UNKNOWN and section(profile).get("type") not in ("RuntimeDefault", "Localhost", UNKNOWN):
        yield "seccompProfile.type must be RuntimeDefault or Localhost"


def _bounded(resource: Resource) -> Iterator[str]:
    spec = pod_spec(resource)
    for name, container in containers(spec or {}):
        for kind in ("requests", "limits"):
            amounts = section(container, "resources").get(kind)
            if amounts is UNKNOWN or container.get("resources") is UNKNOWN:
                continue
            for amount in ("cpu", "memory"):
                if amount not in (amounts or {}):
                    yield f"container {name}: resources.{kind}.{amount} is missing"


RESTRICTED = ResourceRule(
    "pods-are-restricted",
    "Pods run as an ordinary user with nothing of the node's and no way to gain more.",
    _restricted,
)
BOUNDED = ResourceRule(
    "containers-are-bounded",
    "Every container says what CPU and memory it asks for and may use.",
    _bounded,
)
