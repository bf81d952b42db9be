"""``foundation:kubernetes:ApiReady``: waits until a cluster's API answers, its nodes are Ready and it
serves the kinds of CRDs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenacity import (
    RetryError,
    Retrying,
    retry_if_result,
    sleep_using_event,
    stop_after_delay,
    stop_any,
    stop_when_event_set,
    wait_fixed,
)

from provider.kubernetes.probe import UnusableKubeconfig, connect, look
from provider.plugin import (
    UNKNOWN,
    CheckFailure,
    CheckResult,
    Context,
    Diff,
    InitFailed,
    Kind,
    PluginError,
    Properties,
    ResourceType,
    Secret,
    State,
    contains_unknown,
    reveal,
)

# From power-on to Ready a node needs 2 to 4 minutes (image, k3s, etcd joining one after the other).
DEFAULT_SECONDS = 900
LONGEST_SECONDS = 3600
# Between looks, in s.
PAUSE = 2.0


class ApiReady(ResourceType[Any]):
    """Waits when it is made, and again when nodes, their generation, CRDs or the way to the API change."""

    def check(self, context: Context[Any], old: Properties | None, new: Properties, seed: bytes) -> CheckResult:
        given = {key: value for key, value in new.items() if value is not None}
        filled = {"nodes": [], "crds": [], "timeoutSeconds": DEFAULT_SECONDS, **given}
        kubeconfig = filled.get("kubeconfig")
        if isinstance(kubeconfig, str):
            filled["kubeconfig"] = Secret(kubeconfig)
        failures = []
        if not contains_unknown(kubeconfig) and not isinstance(reveal(kubeconfig), str):
            failures.append(CheckFailure("kubeconfig", "must be a kubeconfig's path or content"))
        seconds = filled["timeoutSeconds"]
        if seconds is not UNKNOWN and not (isinstance(seconds, int) and 1 <= seconds <= LONGEST_SECONDS):
            failures.append(CheckFailure("timeoutSeconds", f"must be 1 to {LONGEST_SECONDS} seconds, not {seconds!r}"))
        return CheckResult(filled, failures)

    def diff(self, context: Context[Any], old: State, new: Properties, ignore: Sequence[str]) -> Diff:
        # How long it may take changes nothing of what is there.
        watched = ("kubeconfig", "context", "nodes", "crds")
        before, after = reveal(old.inputs), reveal(new)
        return Diff({name: Kind.UPDATE for name in watched if (before.get(name) or None) != (after.get(name) or None)})

    def create(self, context: Context[Any], inputs: Properties) -> State:
        return State(context.resource.name, inputs, self._wait(context, inputs))

    def update(self, context: Context[Any], old: State, new: Properties) -> Properties:
        return self._wait(context, new)

    def read(self, context: Context[Any], state: State) -> State | None:
        return state

    def delete(self, context: Context[Any], state: State) -> None:
        """Nothing was made."""

    def _wait(self, context: Context[Any], inputs: Properties) -> Properties:
        known = reveal(inputs)
        seconds = known["timeoutSeconds"]
        last = "nothing was tried"

        def try_once() -> str | None:
            nonlocal last
            seen = look(client, known["nodes"], known.get("crds") or [])
            if seen is not None and seen != last:
                context.log(seen)
            last = seen or last
            return seen

        try:
            client = connect(known["kubeconfig"], known.get("context"))
        except UnusableKubeconfig as error:
            raise PluginError(str(error)) from None
        try:
            Retrying(
                retry=retry_if_result(lambda seen: seen is not None),
                stop=stop_any(stop_after_delay(seconds), stop_when_event_set(context.cancelled)),
                wait=wait_fixed(PAUSE),
                sleep=sleep_using_event(context.cancelled),
            )(try_once)
        except RetryError:
            why = "the update was cancelled" if context.cancelled.is_set() else f"waited {seconds} s"
            raise InitFailed(
                context.resource.name, inputs, [f"the cluster isn't ready ({why}). Last seen: {last}"]
            ) from None
        finally:
            client.close()
        return inputs
