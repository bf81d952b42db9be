"""Moving pods off a node by the Eviction API, which honours PodDisruptionBudgets, for a bounded time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from kubernetes import client
from kubernetes.client import ApiException
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from automation.errors import FoundationError, Refused
from automation.running import Tell, silent

# Seconds that a node's pods have to move: ten times the grace period that pods have by default.
PATIENCE: Final = 300.0
# Seconds that a new server has to become a node that is ready: ordered, booted, k3s fetched and joined.
JOIN_PATIENCE: Final = 900.0
# The eviction would break a PodDisruptionBudget now.
BLOCKED: Final = 429
MIRROR: Final = "kubernetes.io/config.mirror"


def cordon(api: Any, node: str) -> None:
    """Place no pods on the node any more."""
    core: Any = client.CoreV1Api(api)
    core.patch_node(node, {"spec": {"unschedulable": True}})


def uncordon(api: Any, node: str) -> None:
    """Place pods on the node again."""
    core: Any = client.CoreV1Api(api)
    core.patch_node(node, {"spec": {"unschedulable": None}})


def node(api: Any, name: str) -> Any | None:
    """The node; None when there is none."""
    core: Any = client.CoreV1Api(api)
    try:
        return core.read_node(name)
    except ApiException as error:
        if error.status == 404:
            return None
        raise


def is_ready(found: Any) -> bool:
    """Whether the node says that it is ready."""
    return any(condition.type == "Ready" and condition.status == "True" for condition in found.status.conditions or [])


def wait_until_ready(api: Any, name: str, tell: Tell = silent, patience: float = JOIN_PATIENCE) -> None:
    """Wait for the node to join and be ready. Raises ``FoundationError``, with what was seen last, after ``patience``
    seconds."""
    tell(f"waiting until node {name} is ready")

    def missing() -> bool:
        found = node(api, name)
        return found is None or not is_ready(found)

    if not _awaited(missing, patience):
        found = node(api, name)
        raise FoundationError(
            f"node {name} isn't ready after {patience:.0f} s",
            problems=["it hasn't joined the cluster" if found is None else _conditions(found)],
            next_step="look at the server's console (cloud-init, k3s), then run the same command again",
        )


def blocking_budgets(api: Any, nodes: Sequence[str]) -> list[str]:
    """PodDisruptionBudgets that never let go of a pod on the nodes, however long one waits."""
    policy: Any = client.PolicyV1Api(api)
    found = []
    pods = [pod for name in nodes for pod in movable(api, name)]
    for budget in policy.list_pod_disruption_budget_for_all_namespaces().items:
        allowed = _allowed(budget)
        held = [pod for pod in pods if _covers(budget, pod)]
        if held and allowed is not None and allowed <= 0:
            names = ", ".join(sorted(pod.metadata.name for pod in held))
            found.append(f"{budget.metadata.namespace}/{budget.metadata.name} allows no pod to move: {names}")
    return found


def drain(api: Any, name: str, tell: Tell = silent, patience: float = PATIENCE) -> None:
    """Evict the node's pods and wait until they are gone; those of DaemonSets stay.

    Raises ``Refused``, with nothing evicted, for pods that nobody would start again; ``FoundationError`` when pods
    are still there after ``patience`` seconds, with the budgets that hold them.
    """
    lost = [
        f"{_place(pod)} belongs to no controller" for pod in movable(api, name) if not pod.metadata.owner_references
    ]
    if lost:
        raise Refused(
            f"node {name} has pods that nobody would start elsewhere", problems=lost, next_step="delete them yourself"
        )
    tell(f"moving the pods off node {name}")
    blocked: dict[str, str] = {}

    def left() -> bool:
        blocked.clear()
        pods = list(movable(api, name))
        for pod in pods:
            if pod.metadata.deletion_timestamp is None and not _evict(api, pod):
                blocked[_place(pod)] = _budget_of(api, pod)
        return bool(pods)

    if not _awaited(left, patience):
        waiting = [_place(pod) for pod in movable(api, name)]
        raise FoundationError(
            f"node {name} still has {len(waiting)} pods after {patience:.0f} s",
            problems=[f"{place} is held by {blocked[place]}" if place in blocked else place for place in waiting],
            next_step="see that more of their pods are ready elsewhere, then run the same command again",
        )


def movable(api: Any, name: str) -> Iterator[Any]:
    """The node's pods that have to go before it can: neither of a DaemonSet, nor the node's own, nor ended."""
    core: Any = client.CoreV1Api(api)
    for pod in core.list_pod_for_all_namespaces(field_selector=f"spec.nodeName={name}").items:
        owners = {owner.kind for owner in pod.metadata.owner_references or []}
        if "DaemonSet" in owners or MIRROR in (pod.metadata.annotations or {}):
            continue
        if pod.status.phase not in ("Succeeded", "Failed"):
            yield pod


def _evict(api: Any, pod: Any) -> bool:
    """Whether the eviction was taken."""
    core: Any = client.CoreV1Api(api)
    meta = client.V1ObjectMeta(name=pod.metadata.name, namespace=pod.metadata.namespace)
    try:
        core.create_namespaced_pod_eviction(pod.metadata.name, pod.metadata.namespace, client.V1Eviction(metadata=meta))
    except ApiException as error:
        if error.status == BLOCKED:
            return False
        if error.status != 404:
            raise
    return True


def _budget_of(api: Any, pod: Any) -> str:
    policy: Any = client.PolicyV1Api(api)
    budgets = policy.list_namespaced_pod_disruption_budget(pod.metadata.namespace).items
    names = [f"PodDisruptionBudget {budget.metadata.name}" for budget in budgets if _covers(budget, pod)]
    return ", ".join(names) or "a PodDisruptionBudget"


def _covers(budget: Any, pod: Any) -> bool:
    if budget.metadata.namespace != pod.metadata.namespace or budget.spec.selector is None:
        return False
    labels = pod.metadata.labels or {}
    wanted = budget.spec.selector.match_labels or {}
    expressions = budget.spec.selector.match_expressions or []
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _matches(labels.get(part.key), part.operator, part.values or []) for part in expressions
    )


def _matches(value: str | None, operator: str, values: Sequence[str]) -> bool:
    rules = {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }
    return rules[operator]


def _allowed(budget: Any) -> int | None:
    """Pods that may go when all are healthy; None when that isn't known yet."""
    expected = budget.status.expected_pods if budget.status else None
    if not expected:
        return None
    if budget.spec.max_unavailable is not None:
        return _count(budget.spec.max_unavailable, expected)
    least = budget.spec.min_available
    return None if least is None else expected - _count(least, expected)


def _count(amount: int | str, whole: int) -> int:
    """A number, or a percentage rounded up, as Kubernetes does."""
    if isinstance(amount, int) or not str(amount).endswith("%"):
        return int(amount)
    return -(-int(str(amount).rstrip("%")) * whole // 100)


def _awaited(unfinished: Callable[[], bool], patience: float) -> bool:
    """Whether it finished in time."""
    try:
        Retrying(
            retry=retry_if_result(bool), wait=wait_fixed(min(2.0, patience / 10)), stop=stop_after_delay(patience)
        )(unfinished)
    except RetryError:
        return False
    return True


def _place(pod: Any) -> str:
    return f"{pod.metadata.namespace}/{pod.metadata.name}"


def _conditions(found: Any) -> str:
    told = [f"{condition.type}: {condition.message}" for condition in found.status.conditions or []]
    return "; ".join(told) or "it tells no conditions"
