"""Refresh and import: the object as it is now."""

from __future__ import annotations

from local.toolchain.plugins.kubernetes import apply, awaiting
from local.toolchain.plugins.kubernetes.apply import NoSuchKind
from local.toolchain.plugins.kubernetes.catalog import BUILT_IN, group_version_kind
from local.toolchain.plugins.kubernetes.client import ApiError, Client
from local.toolchain.plugins.kubernetes.normalize import normalize
from local.toolchain.plugins.kubernetes.objects import (
    Object,
    from_properties,
    kind_of,
    metadata,
    namespace_of,
    parse_checkpoint,
    parse_id,
    prune,
    to_inputs,
)
from local.toolchain.plugins.kubernetes.operation import Operation
from provider.plugin import InitFailed, State

# What controllers and kubectl leave in objects.
_NOT_INPUTS = ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration")


def read(operation: Operation, state: State) -> State | None:
    """The live state with inputs cut down to what was given before; None when the object is gone.

    Nothing is known of an imported object but its id; its inputs are what would have made it.
    """
    sent = normalize(from_properties(state.inputs))
    _, recorded = parse_checkpoint(state.outputs)
    importing = not sent.get("kind") and not recorded.get("kind")
    if not sent.get("kind"):
        sent = _identity(operation, state.id, recorded)
    live = _live(operation.client, sent, state.id)
    if live is None:
        return None
    found: Object = _importable(live, prune(live, sent)) if importing else prune(live, sent)
    inputs = to_inputs(found, state.inputs)
    outputs = operation.checkpoint(found, live)
    if not importing:
        try:
            awaiting.check_ready(operation.watched(sent, live), sent, live)
        except awaiting.NotReady as error:
            raise InitFailed(state.id, outputs, [str(error), *error.reasons], inputs) from error
    return State(state.id, inputs, outputs)


def _live(client: Client, sent: Object, resource_id: str) -> Object | None:
    namespace, name = parse_id(resource_id)
    identity = {"namespace": namespace or namespace_of(sent), "name": name}
    try:
        return apply.read(client, {**sent, "metadata": identity})
    except NoSuchKind:
        return None  # its definition is gone, and every object with it
    except ApiError as error:
        if error.not_found:
            return None
        raise


def _identity(operation: Operation, resource_id: str, recorded: Object) -> Object:
    """What is known of an object whose inputs aren't."""
    namespace, name = parse_id(resource_id)
    api_version, kind = group_version_kind(operation.context.resource.type)
    return {
        "apiVersion": recorded.get("apiVersion") or api_version,
        "kind": recorded.get("kind") or kind,
        "metadata": {"name": name} | ({"namespace": namespace} if namespace else {}),
    }


def _importable(live: Object, identity: Object) -> Object:
    """All of a built-in kind but what only the cluster writes; of a custom resource what identifies it."""
    if kind_of(live) not in BUILT_IN:
        return identity
    found = normalize({key: value for key, value in live.items() if key != "status"})
    annotations = metadata(found).get("annotations") or {}
    for key in _NOT_INPUTS:
        annotations.pop(key, None)
    return found
