"""Jobs and Pods."""

from __future__ import annotations

from local.toolchain.plugins.kubernetes.awaiting import pods
from local.toolchain.plugins.kubernetes.awaiting.observing import NotReady, Readiness
from local.toolchain.plugins.kubernetes.objects import Object, find

# A Job that failed for one of these stays failed.
_FINAL = ("BackoffLimitExceeded", "DeadlineExceeded")


class JobReadiness(Readiness):
    """Complete. A Job that gave up fails at once."""

    _live: Object = {}

    def ready(self, live: Object) -> bool:
        self._live = live
        failed = pods.condition(live, "Failed")
        if failed.get("status") == "True" and failed.get("reason") in _FINAL:
            reason = f"[{failed['reason']}] {failed.get('message', '')}"
            message = f"Resource '{self.watched.name}' was created but failed to initialize"
            raise NotReady(message, live, [reason, *self.reasons()])
        counts = " | ".join(
            f"{word}: {find(live, 'status', word.lower()) or 0}" for word in ("Active", "Succeeded", "Failed")
        )
        self.watched.log(f"Waiting for Job {pods.full_name(live)!r} to succeed ({counts})")
        started = find(live, "status", "startTime") is not None
        return started and pods.condition(live, "Complete").get("status") == "True"

    def reasons(self) -> list[str]:
        labels = pods.selector(self._live)
        return pods.problems(pods.owned_pods(self.watched, self._live, labels))


class PodReadiness(Readiness):
    """Scheduled, initialized, and ready or done."""

    _live: Object = {}

    def ready(self, live: Object) -> bool:
        self._live = live
        if pods.is_ready(live):
            return True
        self.watched.log(pods.step(live))
        return False

    def reasons(self) -> list[str]:
        return pods.problems([self._live])
