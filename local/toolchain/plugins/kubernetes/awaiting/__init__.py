"""Waiting until an object is ready (or gone), as the published plugin waits for each kind.

A kind that isn't in :data:`READINESS` is ready as soon as it exists, unless it says ``pulumi.com/waitFor``.
"""

from __future__ import annotations

from collections.abc import Mapping

from local.toolchain.plugins.kubernetes.awaiting import batch, conditions, network, small, workloads
from local.toolchain.plugins.kubernetes.awaiting.observing import NotReady, Readiness, Watched, await_deletion, observe
from local.toolchain.plugins.kubernetes.objects import SKIP_AWAIT, WAIT_FOR, Object, annotation, is_true, kind_of

__all__ = ["NotReady", "Watched", "await_deletion", "await_ready", "check_ready", "skips_deletion"]

READINESS: Mapping[tuple[str, str], type[Readiness]] = {
    ("apps/v1", "Deployment"): workloads.DeploymentReadiness,
    ("apps/v1", "StatefulSet"): workloads.StatefulSetReadiness,
    ("apps/v1", "DaemonSet"): workloads.DaemonSetReadiness,
    ("batch/v1", "Job"): batch.JobReadiness,
    ("v1", "Pod"): batch.PodReadiness,
    ("v1", "Service"): network.ServiceReadiness,
    ("networking.k8s.io/v1", "Ingress"): network.IngressReadiness,
    ("v1", "PersistentVolumeClaim"): small.ClaimReadiness,
    ("v1", "ResourceQuota"): small.QuotaReadiness,
    ("v1", "Secret"): small.SecretReadiness,
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): small.DefinitionReadiness,
}

_SKIPPED_DELETIONS = frozenset(
    {("v1", "Namespace"), ("v1", "Pod"), ("batch/v1", "Job")}
    | {("apps/v1", kind) for kind in ("DaemonSet", "Deployment", "StatefulSet")}
)


def await_ready(watched: Watched, inputs: Object, made: Object, before: Object | None) -> Object:
    """Waits until ``made`` (as the request left it) is ready; the live object then.

    ``before`` is the object before an update, None after a creation. Raises :class:`NotReady` with what was wrong
    when the time is over, when the user cancelled, or as soon as it is plain that it never will be.
    """
    if is_true(inputs, SKIP_AWAIT):
        return made
    if annotation(inputs, WAIT_FOR):
        return observe(watched, made, conditions.custom(watched, made, annotation(inputs, WAIT_FOR)))
    readiness = READINESS.get(kind_of(made))
    if readiness is None:
        return made
    return observe(watched, made, readiness(watched, made, before))


def check_ready(watched: Watched, inputs: Object, live: Object) -> None:
    """Raises :class:`NotReady` when the live object isn't ready at this moment (for a refresh)."""
    readiness = READINESS.get(kind_of(live))
    if readiness is None or not readiness.checked_on_read or is_true(inputs, SKIP_AWAIT):
        return
    state = readiness(watched, live, live)
    if not state.ready(live):
        raise NotReady(f"Resource '{watched.name}' was created but failed to initialize", live, state.reasons())


def skips_deletion(inputs: Object) -> bool:
    """Whether ``pulumi.com/skipAwait`` covers deletion, as it does for some kinds only."""
    return is_true(inputs, SKIP_AWAIT) and kind_of(inputs) in _SKIPPED_DELETIONS
