"""Creating, updating and deleting objects, or trying it out (``dry_run``)."""

from __future__ import annotations

import copy
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tenacity

from local.toolchain.plugins.kubernetes import managers
from local.toolchain.plugins.kubernetes.catalog import Api
from local.toolchain.plugins.kubernetes.client import APPLY, JSON_PATCH, ApiError, Client
from local.toolchain.plugins.kubernetes.objects import (
    DELETION_PROPAGATION,
    PATCH_FORCE,
    Object,
    annotation,
    is_crd,
    is_true,
    kind_of,
    metadata,
    name_of,
    namespace_of,
)
from provider.plugin import PluginError

# A namespace, CRD or service account that the object needs may still be on its way: seconds between the attempts.
CREATE_WAITS = (1, 2, 4, 8, 16)

_CONFLICT_HELP = (
    "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/"
    "#handle-field-conflicts-on-existing-resources"
)
_EXISTS_HELP = """

The resource already exists in the cluster. This can happen when:

  - Renaming a Pulumi resource: use an alias to preserve the identity,
    or use deleteBeforeReplace if the resource needs replacement.
  - Adopting a resource into Pulumi: use `pulumi import`.
  - An update was killed while it created the resource, or an upsert is wanted:
    set upsertExistingObjects on the provider to let creates update existing objects."""


class NoSuchKind(PluginError):
    """The cluster doesn't have the object's kind: its CustomResourceDefinition isn't there."""


class NamespaceMissing(PluginError):
    """A dry run can't tell more, since the object's namespace doesn't exist yet."""


class Conflict(PluginError):
    """Another field manager owns a field that would be changed."""


@dataclass(frozen=True)
class Target:
    """A cluster and how to write to it. ``dry_run`` changes nothing."""

    client: Client
    field_manager: str
    upsert: bool
    force: bool
    dry_run: bool
    cancelled: threading.Event
    log: Callable[[str], None]


def find_api(client: Client, obj: Mapping[str, Any], *, refresh: bool = False) -> Api:
    """Where objects of ``obj``'s kind are. Raises :class:`NoSuchKind`."""
    api_version, kind = kind_of(obj)
    api = client.find(api_version, kind, refresh=refresh)
    if api is None:
        raise NoSuchKind(
            f"the Kubernetes API server has no kind {kind} in {api_version}: "
            "verify that the CustomResourceDefinition it needs has been created"
        )
    return api


def read(client: Client, obj: Mapping[str, Any]) -> Object:
    """The live object. Raises :class:`ApiError`, :class:`NoSuchKind`."""
    return client.get(find_api(client, obj).path(namespace_of(obj), name_of(obj)))


def create(target: Target, inputs: Object) -> Object:
    """Makes the object; what it needs may come into being meanwhile. Raises :class:`PluginError`."""

    def report(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        target.log(f"Retry #{state.attempt_number}; creation failed: {error}")

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: _may_succeed_later(error) and not target.cancelled.is_set()),
        wait=tenacity.wait_chain(*(tenacity.wait_fixed(seconds) for seconds in CREATE_WAITS)),
        stop=tenacity.stop_after_attempt(1 if target.dry_run else len(CREATE_WAITS) + 1),
        sleep=tenacity.sleep_using_event(target.cancelled),
        before_sleep=report,
        reraise=True,
    )
    made: Object = retrying(_create_once, target, inputs)
    return made


def _create_once(target: Target, inputs: Object) -> Object:
    api = find_api(target.client, inputs)
    try:
        if target.upsert:
            return _apply(target, api, inputs, force=target.force or target.dry_run or is_true(inputs, PATCH_FORCE))
        # The first update takes these fields over from this manager (see managers.py).
        query = _query(target, fieldManager=managers.CREATOR)
        return target.client.request("POST", api.path(namespace_of(inputs)), query, inputs)
    except ApiError as error:
        if error.not_found and error.details.get("kind") == "namespaces" and target.dry_run:
            raise NamespaceMissing(str(error)) from error
        if error.not_found:
            target.client.find(*kind_of(inputs), refresh=True)
        raise


def describe(error: PluginError) -> str:
    """The error with what to do about it."""
    if isinstance(error, ApiError) and error.reason == "AlreadyExists":
        return f"{error}{_EXISTS_HELP}"
    return str(error)


def update(target: Target, inputs: Object, live: Object, ignore: Sequence[str]) -> Object:
    """Changes the ``live`` object. ``ignore`` are the paths left to whoever else manages them."""
    api = find_api(target.client, inputs)
    path = api.path(namespace_of(live), name_of(live))
    if is_crd(inputs):
        # Replaced as a whole, as `kubectl replace` does: a CRD's lists can't be merged.
        whole = copy.deepcopy(inputs)
        metadata(whole)["resourceVersion"] = metadata(live).get("resourceVersion")
        return target.client.request("PUT", path, _query(target, fieldManager=target.field_manager), whole)
    if not target.dry_run:
        patch = managers.take_over(live, target.field_manager)
        if patch:
            live = target.client.request("PATCH", path, None, patch, JSON_PATCH)
    inputs = managers.leave_ignored(inputs, live, target.field_manager, ignore)
    force = target.force or is_true(inputs, PATCH_FORCE) or managers.must_force(live, dry_run=target.dry_run)
    return _apply(target, api, inputs, force=force)


def relinquish(target: Target, obj: Object) -> None:
    """Gives up every field that ``target.field_manager`` owns in ``obj``."""
    api = find_api(target.client, obj)
    identity = {key: metadata(obj)[key] for key in ("name", "namespace") if key in metadata(obj)}
    _apply(target, api, {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": identity}, force=False)


def delete(client: Client, inputs: Mapping[str, Any], live: Mapping[str, Any]) -> Object | None:
    """Begins the deletion. The object as it is then, None when it's gone already. Raises :class:`ApiError`."""
    policies = {"orphan": "Orphan", "background": "Background"}
    policy = policies.get(annotation(inputs, DELETION_PROPAGATION).lower(), "Foreground")
    body = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy}
    try:
        path = find_api(client, live).path(namespace_of(live), name_of(live))
        answer = client.request("DELETE", path, None, body)
    except NoSuchKind:
        return None
    except ApiError as error:
        if error.not_found:
            return None
        raise
    return None if answer.get("kind") == "Status" else answer


def new_field_manager() -> str:
    """A name that no other program uses, kept in the state of the object."""
    return f"pulumi-kubernetes-{secrets.token_hex(4)}"


def _apply(target: Target, api: Api, inputs: Object, *, force: bool) -> Object:
    query = _query(target, fieldManager=target.field_manager, force=str(force).lower())
    path = api.path(namespace_of(inputs), name_of(inputs))
    try:
        return target.client.request("PATCH", path, query, inputs, APPLY)
    except ApiError as error:
        if error.status != 409 or error.reason == "AlreadyExists":
            raise
        raise Conflict(
            f"server-side apply field conflict detected, see {_CONFLICT_HELP} for troubleshooting help\n"
            f"The resource managed by field manager {target.field_manager!r} had an apply conflict: {error}"
        ) from error


def _query(target: Target, **query: str) -> dict[str, str]:
    return {**query, "dryRun": "All"} if target.dry_run else query


def _may_succeed_later(error: BaseException) -> bool:
    if isinstance(error, NoSuchKind):
        return True
    leaving = "object is being deleted"  # the object that this one replaces
    return isinstance(error, ApiError) and (error.not_found or leaving in str(error))
