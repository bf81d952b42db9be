"""Deployments, StatefulSets and DaemonSets."""

from __future__ import annotations

import time
from collections.abc import Sequence

from local.toolchain.plugins.kubernetes.awaiting import pods
from local.toolchain.plugins.kubernetes.awaiting.observing import Readiness
from local.toolchain.plugins.kubernetes.catalog import BUILT_IN, Api
from local.toolchain.plugins.kubernetes.objects import Object, find, metadata, name_of

REPLICA_SETS = Api("apps/v1", "ReplicaSet", "replicasets", True)
# The published plugin's interval. Seconds.
POD_SECONDS = 10.0
_REVISION = "deployment.kubernetes.io/revision"
_CLAIMS = BUILT_IN["v1", "PersistentVolumeClaim"]


def _count(obj: Object, *path: str) -> int:
    value = find(obj, *path)
    return value if isinstance(value, int) else 0


def _observed(obj: Object) -> bool:
    """Whether the controller has seen the object as it is now."""
    return _count(obj, "status", "observedGeneration") >= _count(obj, "metadata", "generation") > 0


class DeploymentReadiness(Readiness):
    """Available, with every replica of the newest ReplicaSet ready."""

    _live: Object = {}
    _replica_set: Object | None = None
    _look_at: float | None = None
    _pod_problems: Sequence[str] = ()

    def ready(self, live: Object) -> bool:
        self._live = live
        if not _observed(live) or not self._revision:
            return False
        rolled_out = self._revision == "1" or self._progressing.get("reason") == "NewReplicaSetAvailable"
        for condition in (self._progressing, self._available):
            if condition.get("status") == "False" and condition.get("message"):
                self.watched.log(_labelled(condition))
        available = self._available.get("status") == "True"
        if available and rolled_out and self._replicas_ready() and not self._unbound():
            return True
        self._tell_of_pods()
        return False

    def _tell_of_pods(self) -> None:
        """Now and then say what is wrong with the pods: that, and not their number, is why it takes so long."""
        now = time.monotonic()
        if self._look_at is None:
            self._look_at = now + POD_SECONDS
        elif now >= self._look_at:
            self._look_at = now + POD_SECONDS
            self._pod_problems = self._problems_of_pods()
        for problem in self._pod_problems:
            self.watched.log(problem)

    def _problems_of_pods(self) -> list[str]:
        owner = self._replica_set or self._newest()
        return pods.problems(pods.owned_pods(self.watched, owner, self._selector)) if owner else []

    def reasons(self) -> list[str]:
        conditions = (self._progressing, self._available)
        found = [_labelled(one) for one in conditions if one.get("status") == "False" and one.get("message")]
        unbound = self._unbound()
        if unbound:
            found.append(f"Failed to bind PersistentVolumeClaim(s): {', '.join(unbound)}")
        if self._available.get("status") != "True":
            found.append("Minimum number of live Pods was not attained")
        elif self._revision != "1" and self._progressing.get("reason") != "NewReplicaSetAvailable":
            found.append("Minimum number of Pods to consider the application live was not attained")
        elif not self._replicas_ready():
            found.append("Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live")
        return found + self._problems_of_pods()

    @property
    def _selector(self) -> str:
        return pods.selector(self._live)

    @property
    def _revision(self) -> str:
        return str((metadata(self._live).get("annotations") or {}).get(_REVISION, ""))

    @property
    def _progressing(self) -> Object:
        return pods.condition(self._live, "Progressing")

    @property
    def _available(self) -> Object:
        return pods.condition(self._live, "Available")

    def _newest(self) -> Object | None:
        query = {"labelSelector": self._selector} if self._selector else {}
        for replica_set in self.watched.siblings(REPLICA_SETS, **query):
            annotations = metadata(replica_set).get("annotations") or {}
            if pods.owned_by(replica_set, self._live) and annotations.get(_REVISION) == self._revision:
                return replica_set
        return None

    def _replicas_ready(self) -> bool:
        """Counted at the ReplicaSet, whose number of replicas somebody may have changed (`kubectl scale`)."""
        self._replica_set = self._newest()
        if self._replica_set is None:
            return False
        wanted = find(self._replica_set, "spec", "replicas")
        wanted = 1 if wanted is None else wanted
        ready = _count(self._replica_set, "status", "readyReplicas")
        if ready < wanted:
            self.watched.log(f"Waiting for app ReplicaSet to be available ({ready}/{wanted} Pods available)")
        return ready >= wanted

    def _unbound(self) -> list[str]:
        volumes = find(self._live, "spec", "template", "spec", "volumes") or []
        claims = {find(volume, "persistentVolumeClaim", "claimName") for volume in volumes} - {None}
        if not claims:
            return []
        bound = {name_of(one) for one in self.watched.siblings(_CLAIMS) if find(one, "status", "phase") == "Bound"}
        return sorted(claims - bound)


class StatefulSetReadiness(Readiness):
    """Every replica ready and of the newest revision (unless Pods are replaced by hand only)."""

    _live: Object = {}
    _replicas_ready = False
    _revision_ready = False

    def ready(self, live: Object) -> bool:
        self._live = live
        self._replicas_ready = self._revision_ready = False
        if not _observed(live):
            return False
        wanted = _count(live, "spec", "replicas")
        steady = wanted == _count(live, "status", "replicas") == _count(live, "status", "readyReplicas")
        by_hand = find(live, "spec", "updateStrategy", "type") == "OnDelete"
        if by_hand and _count(live, "metadata", "generation") > 1:
            self._revision_ready, self._replicas_ready = True, steady
        else:
            current, newest = self._revisions
            self._revision_ready = bool(current) and current == newest
            self._replicas_ready = steady and wanted == _count(live, "status", "currentReplicas")
        if not self._replicas_ready:
            ready = _count(live, "status", "readyReplicas")
            self.watched.log(f"Waiting for StatefulSet to create Pods ({ready}/{wanted} Pods ready)")
        return self._replicas_ready and self._revision_ready

    def reasons(self) -> list[str]:
        found = []
        if not self._replicas_ready:
            ready, wanted = _count(self._live, "status", "readyReplicas"), _count(self._live, "spec", "replicas")
            found.append(f"{ready} out of {wanted} replicas succeeded readiness checks")
        if not self._revision_ready:
            current, newest = self._revisions
            found.append(f"StatefulSet controller failed to advance from revision {current!r} to revision {newest!r}")
        labels = pods.selector(self._live)
        return found + pods.problems(pods.owned_pods(self.watched, self._live, labels))

    @property
    def _revisions(self) -> tuple[str, str]:
        status = self._live.get("status") or {}
        return str(status.get("currentRevision", "")), str(status.get("updateRevision", ""))


class DaemonSetReadiness(Readiness):
    """A ready, up-to-date Pod on every node that should have one."""

    _live: Object = {}

    def ready(self, live: Object) -> bool:
        self._live = live
        if not _observed(live) or find(live, "status", "desiredNumberScheduled") is None:
            return False
        wanted = _count(live, "status", "desiredNumberScheduled")
        counts = [
            _count(live, "status", name)
            for name in ("currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady")
        ]
        if min(counts) < wanted:
            self.watched.log(f"Available: {min(counts)}/{wanted}")
        return min(counts) >= wanted

    def reasons(self) -> list[str]:
        return pods.problems(pods.owned_pods(self.watched, self._live, pods.selector(self._live)))


def _labelled(condition: Object) -> str:
    return f"[{condition.get('reason', '')}] {condition.get('message', '')}"
