"""What the engine asks of a resource, for every kind alike."""

from __future__ import annotations

from collections.abc import Sequence

from local.toolchain.plugins.kubernetes import apply, awaiting, naming, reading
from local.toolchain.plugins.kubernetes.apply import NamespaceMissing
from local.toolchain.plugins.kubernetes.catalog import BUILT_IN, group_version_kind
from local.toolchain.plugins.kubernetes.client import ApiError, Client
from local.toolchain.plugins.kubernetes.diff import changes, covers, replace_paths
from local.toolchain.plugins.kubernetes.normalize import normalize
from local.toolchain.plugins.kubernetes.objects import (
    AUTONAMED,
    FIELD_MANAGER,
    REPLACE_UNREADY,
    Object,
    from_properties,
    id_of,
    is_true,
    kind_of,
    metadata,
    name_of,
    namespace_of,
    parse_checkpoint,
    prune,
    to_inputs,
)
from local.toolchain.plugins.kubernetes.operation import Ctx, Operation
from local.toolchain.plugins.kubernetes.redaction import discreet
from local.toolchain.plugins.kubernetes.settings import Cluster
from provider.plugin import (
    UNKNOWN,
    CheckResult,
    Diff,
    InitFailed,
    Kind,
    PluginError,
    Properties,
    ResourceType,
    State,
    contains_unknown,
)

_IMMUTABLE = "field is immutable"
_REMOVE_FROM_STATE = (
    "If the cluster was deleted, you can remove this resource from Pulumi state by rerunning the operation with the "
    'PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"'
)


class KubernetesResource(ResourceType[Cluster]):
    """Any kind of object."""

    @discreet
    def check(self, context: Ctx, old: Properties | None, new: Properties, seed: bytes) -> CheckResult:
        cluster = context.config
        if cluster and not cluster.client and cluster.settings.skip_update_unreachable and old is not None:
            context.warn("Cluster is unreachable but skipUpdateUnreachable flag is set to true, skipping...")
            return CheckResult(old)
        inputs = normalize(from_properties(new))
        api_version, kind = group_version_kind(context.resource.type)
        for key, value in (("apiVersion", api_version), ("kind", kind), ("metadata", {})):
            inputs.setdefault(key, value)
        naming.complete(inputs, old, context.resource.name, context.autonaming, seed)
        unnamespaced = inputs["metadata"] is not UNKNOWN and metadata(inputs).get("namespace") in (None, "")
        if cluster and unnamespaced and _namespaced(cluster.client, inputs):
            inputs["metadata"]["namespace"] = cluster.namespace
        return CheckResult(to_inputs(inputs, new))

    @discreet
    def diff(self, context: Ctx, old: State, new: Properties, ignore: Sequence[str]) -> Diff:
        cluster = context.config
        client = cluster.client if cluster else None
        sent, live = parse_checkpoint(old.outputs)
        sent, inputs = normalize(sent), normalize(from_properties(new))
        pruned: Object = prune(live, sent)
        for key in ("apiVersion", "kind"):
            pruned.setdefault(key, inputs.get(key))
        for obj in (pruned, inputs):
            if _namespaced(client, inputs):
                metadata(obj)["namespace"] = metadata(obj).get("namespace") or "default"
            else:
                metadata(obj).pop("namespace", None)
        metadata(pruned).pop("resourceVersion", None)
        if name_of(inputs):
            metadata(pruned)["name"] = name_of(live)
        flags = cluster.settings if cluster else None
        paths = replace_paths(
            inputs,
            config_map_mutable=bool(flags and flags.config_map_mutable),
            secret_mutable=bool(flags and flags.secret_mutable),
        )
        found = {
            path: kind
            for path, kind in changes(pruned, inputs, sent, paths).items()
            if not any(covers(ignored, path) for ignored in ignore)
        }
        replaceable = is_true(inputs, REPLACE_UNREADY) and kind_of(inputs) == ("batch/v1", "Job")
        if replaceable and client and _unready(context, old, live):
            found[f'metadata.annotations["{REPLACE_UNREADY}"]'] = Kind.UPDATE_REPLACE
        # The old object must go first where the new one can't have another name.
        fixed = name_of(inputs) != "" and not is_true(inputs, AUTONAMED)
        same = name_of(inputs) == name_of(live) and namespace_of(inputs) == namespace_of(live)
        diff = Diff(found)
        return Diff(found, delete_before_replace=bool(diff.replaces) and fixed and same)

    @discreet
    def preview_create(self, context: Ctx, inputs: Properties) -> Properties:
        if not _can_try(context, inputs):
            return inputs
        operation = Operation.begin(context, inputs, {})
        wanted = from_properties(inputs)
        try:
            made = apply.create(operation.target(dry_run=True), wanted)
        except NamespaceMissing:
            return inputs
        except ApiError as error:
            # It may be allowed, or be free to be created, once the update has come to it.
            if error.status == 403 or error.reason == "AlreadyExists" or _IMMUTABLE in str(error):
                return inputs
            raise PluginError(_not_created(context, error)) from error
        made.pop("status", None)
        return operation.checkpoint(wanted, made)

    @discreet
    def create(self, context: Ctx, inputs: Properties) -> State:
        operation = Operation.begin(context, inputs, {})
        wanted = from_properties(inputs)
        try:
            made = apply.create(operation.target(), wanted)
        except PluginError as error:
            raise PluginError(_not_created(context, error)) from error
        live = operation.await_ready(wanted, made, None)
        return State(id_of(live), inputs, operation.checkpoint(wanted, live))

    @discreet
    def preview_update(self, context: Ctx, old: State, new: Properties) -> Properties:
        if not _can_try(context, new):
            return new
        operation = Operation.begin(context, new, old.outputs)
        wanted = normalize(from_properties(new))
        _, recorded = parse_checkpoint(old.outputs)
        try:
            live = apply.read(operation.client, recorded)
            made = apply.update(operation.target(dry_run=True), wanted, live, context.ignore_changes)
        except PluginError as error:
            if isinstance(error, ApiError) and error.status == 403:
                return new
            raise PluginError(f"update of resource {context.resource.urn!r} failed: {error}") from error
        return operation.checkpoint(wanted, made)

    @discreet
    def update(self, context: Ctx, old: State, new: Properties) -> Properties:
        operation = Operation.begin(context, new, old.outputs)
        wanted = normalize(from_properties(new))
        _, recorded = parse_checkpoint(old.outputs)
        live: Object | None = None
        try:
            live = apply.read(operation.client, recorded)
            made = apply.update(operation.target(), wanted, live, context.ignore_changes)
        except PluginError as error:
            message = f"update of resource {context.resource.urn!r} failed: {error}"
            if live is None:
                raise PluginError(message) from error
            # Part of it may have been done: recorded as it is, and tried again by the next update.
            raise InitFailed(id_of(live), operation.checkpoint(wanted, live), [message]) from error
        ready = operation.await_ready(wanted, made, live)
        earlier = old.outputs.get(FIELD_MANAGER)
        if isinstance(earlier, str) and earlier != operation.field_manager:
            apply.relinquish(operation.target(field_manager=earlier), ready)
        return operation.checkpoint(wanted, ready)

    @discreet
    def read(self, context: Ctx, state: State) -> State | None:
        cluster = context.config
        if cluster and not cluster.client:
            context.warn(f"configured Kubernetes cluster is unreachable: {cluster.unreachable}")
            if cluster.settings.delete_unreachable:
                return None
            if cluster.settings.skip_update_unreachable:
                return state
            raise PluginError(f"failed to read resource state due to unreachable cluster. {_REMOVE_FROM_STATE}")
        return reading.read(Operation.begin(context, state.inputs, state.outputs), state)

    @discreet
    def delete(self, context: Ctx, state: State) -> None:
        cluster = context.config
        if cluster and not cluster.client:
            context.warn(f"configured Kubernetes cluster is unreachable: {cluster.unreachable}")
            if cluster.settings.delete_unreachable:
                return
            raise PluginError(f"configured Kubernetes cluster is unreachable. {_REMOVE_FROM_STATE}")
        operation = Operation.begin(context, state.inputs, state.outputs)
        sent, recorded = parse_checkpoint(state.outputs)
        deleting = apply.delete(operation.client, sent, recorded)
        if deleting is not None and not awaiting.skips_deletion(sent):
            awaiting.await_deletion(operation.watched(sent, deleting), deleting)
            context.log("")


def _namespaced(client: Client | None, obj: Object) -> bool:
    """Whether the kind lives in a namespace; one that isn't there yet is assumed to."""
    api_version, kind = kind_of(obj)
    if (api_version, kind) in BUILT_IN:
        return BUILT_IN[api_version, kind].namespaced
    api = client.find(api_version, kind) if client else None
    return api is None or api.namespaced


def _can_try(context: Ctx, inputs: Properties) -> bool:
    """Whether a dry run can tell anything."""
    client = context.config.client if context.config else None
    if client is None or contains_unknown(inputs):
        return False
    return client.find(*kind_of(from_properties(inputs))) is not None


def _unready(context: Ctx, old: State, live: Object) -> bool:
    operation = Operation.begin(context, old.inputs, old.outputs)
    try:
        now = apply.read(operation.client, live)
        awaiting.check_ready(operation.watched({}, now), {}, now)
    except awaiting.NotReady:
        return True
    except PluginError:
        return False
    return False


def _not_created(context: Ctx, error: PluginError) -> str:
    return (
        f"resource {context.resource.urn!r} was not successfully created by the Kubernetes API server: "
        f"{apply.describe(error)}"
    )
