"""Field managers: who owns which fields of an object, as server-side apply keeps count."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from local.toolchain.plugins.kubernetes.objects import Object, metadata

# Whoever creates objects, without applying.
CREATOR = "pulumi-kubernetes"

# Managers that stand for the same user: their fields become ours with the next update. Prefixes, as kubectl adds what
# it was doing ("kubectl-edit").
_OURS = (
    ("kubectl", "Apply"),
    ("kubectl", "Update"),
    ("before-first-apply", "Update"),
    (CREATOR, "Update"),
    ("pulumi-resource-kubernetes", "Update"),
)


def take_over(live: Object, manager: str) -> list[Object]:
    """The JSON patch that gives ``manager`` the fields of earlier managers that stand for the same user.

    Without it the first apply would conflict with the object's own creation. Empty when there are none.
    """
    entries = metadata(live).get("managedFields") or []
    own = next((entry for entry in entries if entry["manager"] == manager and entry["operation"] == "Apply"), None)
    others: list[Object] = []
    taken: list[Object] = []
    for entry in entries:
        if entry is not own:
            (taken if _stands_for_user(entry) else others).append(entry)
    if not taken:
        return []
    merged = copy.deepcopy(own or {**taken[0], "manager": manager, "operation": "Apply"})
    for entry in taken:
        _merge(merged.setdefault("fieldsV1", {}), entry.get("fieldsV1") or {})
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": [*others, merged]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata(live).get("resourceVersion")},
    ]


def must_force(live: Object, *, dry_run: bool) -> bool:
    """Whether an apply has to be forced: before managers were counted, or where a dry run can't take fields over."""
    entries = metadata(live).get("managedFields") or []
    return not entries or (
        dry_run
        and any(
            entry["operation"] == "Update" and entry["manager"] in (CREATOR, "pulumi-resource-kubernetes")
            for entry in entries
        )
    )


def leave_ignored(inputs: Object, live: Object, manager: str, ignore: Sequence[str]) -> Object:
    """``inputs`` with ignored paths left to whoever else manages them, else as they live now.

    Lists can't be entered, as in the published plugin.
    """
    if not ignore:
        return inputs
    ours: Object = {}
    theirs: Object = {}
    for entry in metadata(live).get("managedFields") or []:
        _merge(ours if entry["manager"] == manager else theirs, entry.get("fieldsV1") or {})
    inputs = copy.deepcopy(inputs)
    for text in ignore:
        path = text.split(".")
        parent, _ = _at(inputs, path[:-1])
        value, found = _at(live, path)
        owner_path = [f"f:{name}" for name in path]
        if _at(theirs, owner_path)[1] and not _at(ours, owner_path)[1]:
            if isinstance(parent, dict):
                parent.pop(path[-1], None)
        elif found and isinstance(parent, dict):
            parent[path[-1]] = copy.deepcopy(value)
    return inputs


def _stands_for_user(entry: Mapping[str, Any]) -> bool:
    return not entry.get("subresource") and any(
        entry["manager"].startswith(prefix) and entry["operation"] == operation for prefix, operation in _OURS
    )


def _merge(fields: Object, more: Mapping[str, Any]) -> None:
    """The union of two sets of fields, in place."""
    for key, value in more.items():
        _merge(fields.setdefault(key, {}), value)


def _at(value: Any, path: Sequence[str]) -> tuple[Any, bool]:
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return None, False
        value = value[key]
    return value, True
