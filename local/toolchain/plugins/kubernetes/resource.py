"""What the engine asks of a resource, for every kind alike."""

from __future__ import annotations

import functools
import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from local.toolchain.plugins.kubernetes import apply, awaiting
from local.toolchain.plugins.kubernetes.apply import NamespaceMissing, NoSuchKind, Target, find_api
from local.toolchain.plugins.kubernetes.catalog import BUILT_IN, group_version_kind
from local.toolchain.plugins.kubernetes.client import ApiError, Client
from local.toolchain.plugins.kubernetes.diff import changes, replace_paths
from local.toolchain.plugins.kubernetes.normalize import normalize
from local.toolchain.plugins.kubernetes.objects import (
    AUTONAMED,
    FIELD_MANAGER,
    INITIAL_API_VERSION,
    PATCH_FIELD_MANAGER,
    REPLACE_UNREADY,
    TIMEOUT_SECONDS,
    Object,
    annotate,
    annotation,
    checkpoint,
    from_properties,
    id_of,
    is_named,
    is_true,
    kind_of,
    metadata,
    name_of,
    namespace_of,
    parse_checkpoint,
    parse_id,
    prune,
    to_properties,
)
from local.toolchain.plugins.kubernetes.redaction import redact
from local.toolchain.plugins.kubernetes.settings import Cluster
from provider.plugin import (
    UNKNOWN,
    CheckResult,
    Context,
    Diff,
    InitFailed,
    Kind,
    PluginError,
    Properties,
    ResourceType,
    State,
    contains_unknown,
)

Ctx = Context[Cluster]
OperationT = TypeVar("OperationT", bound=Callable[..., Any])

_IMMUTABLE = "field is immutable"
_REMOVE_FROM_STATE = (
    "If the cluster was deleted, you can remove this resource from Pulumi state by rerunning the operation with the "
    'PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"'
)


def _discreet(operation: OperationT) -> OperationT:
    """Keeps the secrets of an operation's arguments out of its errors and its progress."""

    @functools.wraps(operation)
    def discreet(self: KubernetesResource, context: Ctx, *arguments: Any) -> Any:
        sources: list[Properties] = []
        for argument in arguments:
            if isinstance(argument, State):
                sources += [argument.inputs, argument.outputs]
            elif isinstance(argument, dict):
                sources.append(argument)

        def log(message: str) -> None:
            context.log(redact(message, *sources))

        try:
            return operation(self, replace(context, log=log), *arguments)
        except InitFailed as error:
            reasons = [redact(reason, *sources) for reason in error.reasons]
            raise InitFailed(error.id, error.outputs, reasons, error.inputs) from None
        except PluginError as error:
            raise PluginError(redact(apply.describe(error), *sources)) from None

    return cast(OperationT, discreet)


class KubernetesResource(ResourceType[Cluster]):
    """Any kind of object."""

    @_discreet
    def check(self, context: Ctx, old: Properties | None, new: Properties, seed: bytes) -> CheckResult:
        cluster = context.config
        if cluster and not cluster.client and cluster.settings.skip_update_unreachable and old is not None:
            context.warn("Cluster is unreachable but skipUpdateUnreachable flag is set to true, skipping...")
            return CheckResult(old)
        inputs = normalize(from_properties(new))
        api_version, kind = group_version_kind(context.resource.type)
        inputs.setdefault("apiVersion", api_version)
        inputs.setdefault("kind", kind)
        inputs.setdefault("metadata", {})
        if metadata(inputs).get("generateName") and not is_named(inputs):
            raise PluginError(
                "metadata.generateName isn't supported with server-side apply: set metadata.name, "
                "or neither for a name made from the resource's"
            )
        if not is_named(inputs):
            self._name(context, inputs, old, seed)
        if cluster and not metadata(inputs).get("namespace") and inputs["metadata"] is not UNKNOWN:
            if self._namespaced(cluster.client, inputs):
                inputs["metadata"]["namespace"] = cluster.namespace
        return CheckResult(to_properties(inputs, new))

    @staticmethod
    def _name(context: Ctx, inputs: Object, old: Properties | None, seed: bytes) -> None:
        """The name of last time if it was made, a new one for a new object."""
        if old is not None:
            earlier = from_properties(old)
            if not is_true(earlier, AUTONAMED):
                return  # the user took the name away: the object is made anew
            name = name_of(earlier)
        elif context.autonaming is not None:
            if context.autonaming.proposed is None:
                raise PluginError("autonaming is disabled, resource requires the .metadata.name field to be set")
            name = context.autonaming.proposed
        else:
            prefix = f"{context.resource.name}-"
            random = hashlib.sha512(seed + prefix.encode()).hexdigest() if seed else secrets.token_hex(4)
            name = prefix + random[:8]
        inputs["metadata"]["name"] = name
        annotate(inputs, AUTONAMED, "true")

    @_discreet
    def diff(self, context: Ctx, old: State, new: Properties, ignore: Sequence[str]) -> Diff:
        cluster = context.config
        client = cluster.client if cluster else None
        sent, live = parse_checkpoint(old.outputs)
        sent, inputs = normalize(sent), normalize(from_properties(new))
        pruned: Object = prune(live, sent)
        for obj in (pruned, inputs):
            if self._namespaced(client, inputs):
                metadata(obj)["namespace"] = metadata(obj).get("namespace") or "default"
            else:
                metadata(obj).pop("namespace", None)
        for key in ("apiVersion", "kind"):
            pruned.setdefault(key, inputs.get(key))
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
            if not any(_contains(ignored, path) for ignored in ignore)
        }
        if is_true(inputs, REPLACE_UNREADY) and kind_of(inputs) == ("batch/v1", "Job") and client:
            if self._unready(context, client, live):
                found[f'metadata.annotations["{REPLACE_UNREADY}"]'] = Kind.UPDATE_REPLACE
        # The old object must go first where the new one can't have another name.
        fixed = name_of(inputs) != "" and not is_true(inputs, AUTONAMED)
        same = name_of(inputs) == name_of(live) and namespace_of(inputs) == namespace_of(live)
        replacing = any(kind.name.endswith("_REPLACE") for kind in found.values())
        return Diff(found, delete_before_replace=replacing and fixed and same)

    @_discreet
    def preview_create(self, context: Ctx, inputs: Properties) -> Properties:
        cluster = context.config
        if cluster is None or not self._can_try(cluster.client, inputs):
            return inputs
        target = self._target(context, inputs, {}, dry_run=True)
        wanted = from_properties(inputs)
        try:
            made = apply.create(target, wanted)
        except NamespaceMissing:
            return inputs
        except ApiError as error:
            if error.status == 403 or error.reason == "AlreadyExists" or _IMMUTABLE in str(error):
                return inputs
            raise PluginError(_not_created(context, error)) from error
        made.pop("status", None)
        return self._checkpoint(wanted, made, inputs, target, {})

    @_discreet
    def create(self, context: Ctx, inputs: Properties) -> State:
        target = self._target(context, inputs, {})
        wanted = from_properties(inputs)
        try:
            made = apply.create(target, wanted)
        except PluginError as error:
            raise PluginError(_not_created(context, error)) from error
        live = self._awaited(context, target, wanted, made, None, inputs, {})
        return State(id_of(live), inputs, self._checkpoint(wanted, live, inputs, target, {}))

    @_discreet
    def preview_update(self, context: Ctx, old: State, new: Properties) -> Properties:
        cluster = context.config
        if cluster is None or not self._can_try(cluster.client, new):
            return new
        target = self._target(context, new, old.outputs, dry_run=True)
        wanted = normalize(from_properties(new))
        _, recorded = parse_checkpoint(old.outputs)
        try:
            live = apply.read(target.client, recorded)
            made = apply.update(target, wanted, live, context.ignore_changes)
        except ApiError as error:
            if error.status == 403:
                return new
            raise PluginError(f"update of resource {context.resource.urn!r} failed: {error}") from error
        return self._checkpoint(wanted, made, new, target, old.outputs)

    @_discreet
    def update(self, context: Ctx, old: State, new: Properties) -> Properties:
        target = self._target(context, new, old.outputs)
        wanted = normalize(from_properties(new))
        _, recorded = parse_checkpoint(old.outputs)
        live: Object | None = None
        try:
            live = apply.read(target.client, recorded)
            made = apply.update(target, wanted, live, context.ignore_changes)
        except PluginError as error:
            message = f"update of resource {context.resource.urn!r} failed: {error}"
            if live is None:
                raise PluginError(message) from error
            # Part of it may have been done: recorded as it is, and tried again by the next update.
            outputs = self._checkpoint(wanted, live, new, target, old.outputs)
            raise InitFailed(id_of(live), outputs, [message]) from error
        ready = self._awaited(context, target, wanted, made, live, new, old.outputs)
        earlier = old.outputs.get(FIELD_MANAGER)
        if isinstance(earlier, str) and earlier != target.field_manager:
            apply.relinquish(replace(target, field_manager=earlier), ready)
        return self._checkpoint(wanted, ready, new, target, old.outputs)

    @_discreet
    def read(self, context: Ctx, state: State) -> State | None:
        cluster = context.config
        assert cluster is not None
        if cluster.client is None:
            context.warn(f"configured Kubernetes cluster is unreachable: {cluster.unreachable}")
            if cluster.settings.delete_unreachable:
                return None
            if cluster.settings.skip_update_unreachable:
                return state
            raise PluginError(f"failed to read resource state due to unreachable cluster. {_REMOVE_FROM_STATE}")
        sent = normalize(from_properties(state.inputs))
        _, recorded = parse_checkpoint(state.outputs)
        importing = not sent.get("kind") and not recorded.get("kind")
        if not sent.get("kind"):
            sent = self._identity(context, state.id, recorded)
        target = self._target(context, to_properties(sent, state.inputs), state.outputs)
        # The id counts, for what the user imports and for what lives under another name than it was given.
        wanted = {**sent, "metadata": {**metadata(sent)}}
        wanted["metadata"]["namespace"], wanted["metadata"]["name"] = parse_id(state.id)
        if not wanted["metadata"]["namespace"]:
            wanted["metadata"]["namespace"] = namespace_of(sent)
        try:
            live = apply.read(cluster.client, wanted)
        except NoSuchKind:
            return None
        except ApiError as error:
            if error.not_found:
                return None
            raise
        found: Object = prune(live, sent)
        if importing:
            found = _importable(live, found)
        # Inputs know the apiVersion and kind in any case; the live state may keep what the inputs had hidden.
        inputs = to_properties(found, state.inputs)
        initial = state.outputs.get(INITIAL_API_VERSION, live.get("apiVersion"))
        outputs = checkpoint(
            found, live, state.inputs, initial_api_version=str(initial), field_manager=target.field_manager
        )
        if not importing:
            try:
                awaiting.check_ready(self._watched(context, target, sent, live), sent, live)
            except awaiting.NotReady as error:
                raise InitFailed(state.id, outputs, [str(error), *error.reasons], inputs) from error
        return State(state.id, inputs, outputs)

    @_discreet
    def delete(self, context: Ctx, state: State) -> None:
        cluster = context.config
        assert cluster is not None
        if cluster.client is None:
            context.warn(f"configured Kubernetes cluster is unreachable: {cluster.unreachable}")
            if cluster.settings.delete_unreachable:
                return
            raise PluginError(f"configured Kubernetes cluster is unreachable. {_REMOVE_FROM_STATE}")
        sent, recorded = parse_checkpoint(state.outputs)
        deleting = apply.delete(cluster.client, sent, recorded)
        if deleting is not None and not awaiting.skips_deletion(sent):
            target = self._target(context, state.inputs, state.outputs)
            awaiting.await_deletion(self._watched(context, target, sent, deleting), deleting)
            context.log("")

    # -- helpers

    @staticmethod
    def _namespaced(client: Client | None, obj: Object) -> bool:
        """Whether the kind lives in a namespace; one that isn't there yet is assumed to."""
        api_version, kind = kind_of(obj)
        if (api_version, kind) in BUILT_IN:
            return BUILT_IN[api_version, kind].namespaced
        api = client.find(api_version, kind) if client else None
        return api is None or api.namespaced

    @staticmethod
    def _can_try(client: Client | None, inputs: Properties) -> bool:
        """Whether a dry run can tell anything."""
        if client is None or contains_unknown(inputs):
            return False
        return client.find(*kind_of(from_properties(inputs))) is not None

    @staticmethod
    def _target(context: Ctx, inputs: Properties, outputs: Properties, *, dry_run: bool = False) -> Target:
        cluster = context.config
        assert cluster is not None
        if cluster.client is None:
            raise PluginError(f"configured Kubernetes cluster is unreachable: {cluster.unreachable}")
        chosen = annotation(from_properties(inputs), PATCH_FIELD_MANAGER) or outputs.get(FIELD_MANAGER)
        return Target(
            client=cluster.client,
            field_manager=str(chosen) if chosen else apply.new_field_manager(),
            upsert=cluster.settings.upsert,
            force=cluster.settings.patch_force,
            dry_run=dry_run,
            cancelled=context.cancelled,
            log=context.log,
        )

    @staticmethod
    def _checkpoint(
        inputs: Object, live: Object, marked: Properties, target: Target, outputs: Properties
    ) -> Properties:
        initial = str(outputs.get(INITIAL_API_VERSION) or inputs.get("apiVersion"))
        return checkpoint(inputs, live, marked, initial_api_version=initial, field_manager=target.field_manager)

    @staticmethod
    def _watched(context: Ctx, target: Target, inputs: Object, live: Object) -> awaiting.Watched:
        seconds = annotation(inputs, TIMEOUT_SECONDS)
        return awaiting.Watched(
            client=target.client,
            api=find_api(target.client, live),
            namespace=namespace_of(live),
            name=name_of(live),
            timeout=context.timeout or (float(seconds) if seconds.isdigit() else 0),
            cancelled=context.cancelled,
            log=context.log,
        )

    def _awaited(
        self,
        context: Ctx,
        target: Target,
        inputs: Object,
        made: Object,
        before: Object | None,
        marked: Properties,
        outputs: Properties,
    ) -> Object:
        """The object once it's ready. Raises :class:`InitFailed` with what was last seen of it."""
        try:
            return awaiting.await_ready(self._watched(context, target, inputs, made), inputs, made, before)
        except PluginError as error:
            live = error.live if isinstance(error, awaiting.NotReady) else made
            reasons = error.reasons if isinstance(error, awaiting.NotReady) else []
            what = "created" if before is None else "updated"
            message = (
                f"resource {id_of(live)!r} was successfully {what}, but the Kubernetes API server reported that it "
                f"failed to fully initialize or become live: {error}"
            )
            state = self._checkpoint(inputs, live, marked, target, outputs)
            raise InitFailed(id_of(live), state, [message, *reasons]) from error

    @staticmethod
    def _identity(context: Ctx, resource_id: str, recorded: Object) -> Object:
        """What is known of an object whose inputs aren't."""
        namespace, name = parse_id(resource_id)
        api_version, kind = group_version_kind(context.resource.type)
        identity: Object = {
            "apiVersion": recorded.get("apiVersion") or api_version,
            "kind": recorded.get("kind") or kind,
            "metadata": {"name": name},
        }
        if namespace:
            identity["metadata"]["namespace"] = namespace
        return identity

    def _unready(self, context: Ctx, client: Client, live: Object) -> bool:
        target = self._target(context, {}, {})
        try:
            now = apply.read(client, live)
            awaiting.check_ready(self._watched(context, target, live, now), live, now)
        except awaiting.NotReady:
            return True
        except PluginError:
            return False
        return False


def _importable(live: Object, identity: Object) -> Object:
    """The inputs that would have made ``live``: all of a built-in kind, the identity of a custom resource."""
    if kind_of(live) not in BUILT_IN:
        return identity
    found = {key: value for key, value in live.items() if key != "status"}
    found = normalize(found)
    annotations = metadata(found).get("annotations") or {}
    for key in ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"):
        annotations.pop(key, None)
    return found


def _contains(ignored: str, path: str) -> bool:
    """Whether an ignoreChanges path covers a changed path."""
    return path == ignored or path.startswith((f"{ignored}.", f"{ignored}["))


def _not_created(context: Ctx, error: PluginError) -> str:
    return (
        f"resource {context.resource.urn!r} was not successfully created by the Kubernetes API server: "
        f"{apply.describe(error)}"
    )
