"""What is wrong with pods, in words."""

from __future__ import annotations

from collections.abc import Iterable

from local.toolchain.plugins.kubernetes.awaiting.observing import Watched
from local.toolchain.plugins.kubernetes.catalog import BUILT_IN
from local.toolchain.plugins.kubernetes.objects import Object, find, metadata, name_of, namespace_of

PODS = BUILT_IN["v1", "Pod"]


def owned_by(obj: Object, owner: Object) -> bool:
    uid = metadata(owner).get("uid")
    return any(reference.get("uid") == uid for reference in metadata(obj).get("ownerReferences") or [])


def selector(obj: Object) -> str:
    """The label selector of a workload as a query, "" when it isn't a plain one."""
    labels = find(obj, "spec", "selector", "matchLabels") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def owned_pods(watched: Watched, owner: Object, labels: str) -> list[Object]:
    query = {"labelSelector": labels} if labels else {}
    return [pod for pod in watched.siblings(PODS, **query) if owned_by(pod, owner)]


def condition(obj: Object, kind: str) -> Object:
    """The status condition of that type, empty when it isn't there."""
    conditions = find(obj, "status", "conditions") or []
    return next((entry for entry in conditions if entry.get("type") == kind), {})


def is_ready(pod: Object) -> bool:
    """Scheduled, initialized, and ready or done."""
    return (
        condition(pod, "PodScheduled").get("status") == "True"
        and condition(pod, "Initialized").get("status") == "True"
        and (condition(pod, "Ready").get("status") == "True" or find(pod, "status", "phase") == "Succeeded")
    )


def step(pod: Object) -> str:
    """What the pod is waiting for."""
    name = full_name(pod)
    for kind, word in (("PodScheduled", "scheduled"), ("Initialized", "initialized")):
        if condition(pod, kind).get("status") != "True":
            return f"Waiting for Pod {name!r} to be {word}"
    return f"Waiting for Pod {name!r} to be ready"


def problems(pods: Iterable[Object]) -> list[str]:
    """What is wrong with each pod that isn't ready."""
    return [message for pod in pods if not is_ready(pod) for message in _problems(pod)]


def full_name(obj: Object) -> str:
    namespace = namespace_of(obj)
    return f"{namespace}/{name_of(obj)}" if namespace not in ("", "default") else name_of(obj)


def _problems(pod: Object) -> list[str]:
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") != "True":
        return [str(scheduled["message"])] if scheduled.get("message") else []
    blocking = next(
        (entry for kind in ("Initialized", "Ready") if (entry := condition(pod, kind)).get("status") != "True"), {}
    )
    statuses = [
        *(find(pod, "status", "initContainerStatuses") or []),
        *(find(pod, "status", "containerStatuses") or []),
    ]
    details = [text for status in statuses if not status.get("ready") for text in _container_problems(status)]
    if blocking.get("message"):
        details.insert(0, str(blocking["message"]))
    return [f"[Pod {full_name(pod)}]: {'; '.join(details)}"] if details else []


def _container_problems(status: Object) -> list[str]:
    found = []
    waiting = find(status, "state", "waiting")
    if waiting and waiting.get("reason") != "ContainerCreating":
        found.append(f"[{waiting.get('reason', '')}] {waiting.get('message', '')}".strip())
    ended = find(status, "state", "terminated")
    if ended and ended.get("reason"):
        code = f"container {status['name']!r} completed with exit code {ended.get('exitCode')}"
        found.append(f"[{ended['reason']}] {ended['message']}" if ended.get("message") else code)
    last = find(status, "lastState", "terminated")
    if last:
        found.append(
            f"container {status['name']!r} terminated at {last.get('finishedAt')} "
            f"({last.get('reason')}: exit code {last.get('exitCode')})"
        )
    return found
