"""Kubernetes objects as plain dictionaries, and how they are kept in Pulumi's state."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from provider.plugin import UNKNOWN, Properties, Secret, reveal

Object = dict[str, Any]

INPUTS = "__inputs"
INITIAL_API_VERSION = "__initialApiVersion"
FIELD_MANAGER = "__fieldManager"

AUTONAMED = "pulumi.com/autonamed"
SKIP_AWAIT = "pulumi.com/skipAwait"
WAIT_FOR = "pulumi.com/waitFor"
TIMEOUT_SECONDS = "pulumi.com/timeoutSeconds"
REPLACE_UNREADY = "pulumi.com/replaceUnready"
PATCH_FORCE = "pulumi.com/patchForce"
PATCH_FIELD_MANAGER = "pulumi.com/patchFieldManager"
DELETION_PROPAGATION = "pulumi.com/deletionPropagationPolicy"

# JSON Schema extensions hold dashes, which no SDK allows in a property's name.
_DASHED = {
    name.replace("-", "_"): name
    for name in (
        "x-kubernetes-embedded-resource",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    )
}
_UNDERSCORED = {dashed: name for name, dashed in _DASHED.items()}


def metadata(obj: Mapping[str, Any]) -> Object:
    """The object's metadata; empty when it has none or doesn't know it yet."""
    value = obj.get("metadata")
    return value if isinstance(value, dict) else {}


def name_of(obj: Mapping[str, Any]) -> str:
    value = metadata(obj).get("name")
    return value if isinstance(value, str) else ""


def namespace_of(obj: Mapping[str, Any]) -> str:
    value = metadata(obj).get("namespace")
    return value if isinstance(value, str) else ""


def kind_of(obj: Mapping[str, Any]) -> tuple[str, str]:
    """apiVersion and kind; the SDK may write the core group out."""
    api_version = str(obj.get("apiVersion", ""))
    return api_version.removeprefix("core/"), str(obj.get("kind", ""))


def annotation(obj: Mapping[str, Any], key: str) -> str:
    """The annotation's value, "" when it isn't there."""
    annotations = metadata(obj).get("annotations")
    value = annotations.get(key) if isinstance(annotations, dict) else None
    return value if isinstance(value, str) else ""


def annotate(obj: Object, key: str, value: str) -> None:
    """Sets an annotation, unless the annotations aren't known yet."""
    annotations = metadata(obj).setdefault("annotations", {})
    if isinstance(annotations, dict):
        annotations[key] = value


def is_true(obj: Mapping[str, Any], key: str) -> bool:
    return annotation(obj, key) == "true"


def is_named(obj: Mapping[str, Any]) -> bool:
    """Whether the object has a name, if only one that will be known later."""
    return obj.get("metadata") is UNKNOWN or metadata(obj).get("name") is UNKNOWN or name_of(obj) != ""


def id_of(obj: Mapping[str, Any]) -> str:
    """The resource id: ``namespace/name``, or the name alone."""
    namespace = namespace_of(obj)
    return f"{namespace}/{name_of(obj)}" if namespace else name_of(obj)


def parse_id(resource_id: str) -> tuple[str, str]:
    """Namespace and name of a resource id."""
    namespace, separator, name = resource_id.partition("/")
    return (namespace, name) if separator else ("", resource_id)


def find(obj: Any, *path: str) -> Any:
    """The value at ``path``, None when it isn't there."""
    for key in path:
        if not isinstance(obj, dict):
            return None
        obj = obj.get(key)
    return obj


def is_secret(obj: Mapping[str, Any]) -> bool:
    return kind_of(obj) == ("v1", "Secret")


def is_crd(obj: Mapping[str, Any]) -> bool:
    return kind_of(obj) == ("apiextensions.k8s.io/v1", "CustomResourceDefinition")


def from_properties(properties: Properties) -> Object:
    """The Kubernetes object that properties describe, secrets in the clear; shares nothing with them."""
    renamed: Object = _rename(reveal(properties), _DASHED.get)
    return renamed


def to_inputs(obj: Mapping[str, Any], like: Mapping[str, Any]) -> Properties:
    """The inputs that describe ``obj``, secret wherever ``like`` is."""
    properties: Properties = copy.deepcopy(dict(obj))
    mark_secrets(properties, like)
    return properties


def _to_outputs(obj: Mapping[str, Any], like: Mapping[str, Any]) -> Properties:
    """The outputs that describe ``obj`` by names that SDKs can read, secret wherever ``like`` is."""
    properties: Properties = _rename(obj, _UNDERSCORED.get)
    mark_secrets(properties, like)
    return properties


def _rename(value: Any, translate: Callable[[str], str | None]) -> Any:
    if isinstance(value, Mapping):
        return {translate(key) or key: _rename(item, translate) for key, item in value.items()}
    if isinstance(value, list):
        return [_rename(item, translate) for item in value]
    return value


def mark_secrets(outputs: Properties, inputs: Mapping[str, Any]) -> None:
    """Makes values secret in ``outputs`` that are (or hold) secrets in ``inputs``, and the data of every Secret.

    Objects are marked value by value; a list that holds a secret is secret as a whole, since its order may change.
    """
    if outputs.get("kind") == "Secret":
        for key in ("data", "stringData"):
            if key in outputs:
                outputs[key] = _secret(outputs[key])
    for key, given in inputs.items():
        if key not in outputs:
            continue
        made = outputs[key]
        if isinstance(made, dict) and isinstance(given, Mapping):
            mark_secrets(made, given)
        elif holds_secret(given):
            outputs[key] = _secret(made)


def holds_secret(value: Any) -> bool:
    match value:
        case Secret():
            return True
        case Mapping():
            return any(holds_secret(item) for item in value.values())
        case list():
            return any(holds_secret(item) for item in value)
    return False


def _secret(value: Any) -> Secret:
    return value if isinstance(value, Secret) else Secret(value)


def checkpoint(
    inputs: Object, live: Object, marked: Properties, *, initial_api_version: str, field_manager: str
) -> Properties:
    """What is recorded of an object: as it lives, with the inputs that it was made from.

    ``marked`` says what is secret.
    """
    outputs = _to_outputs(live, marked)
    return {
        **outputs,
        INPUTS: _to_outputs(inputs, marked),
        INITIAL_API_VERSION: initial_api_version,
        FIELD_MANAGER: field_manager,
    }


def parse_checkpoint(outputs: Properties) -> tuple[Object, Object]:
    """The inputs and the live object that :func:`checkpoint` recorded."""
    live = from_properties(outputs)
    inputs = live.pop(INPUTS, None)
    return (inputs if isinstance(inputs, dict) else {}), live


def prune(source: Any, shape: Any) -> Any:
    """``source`` without the fields that ``shape`` doesn't have, so that the two can be compared."""
    if isinstance(source, dict) and isinstance(shape, dict):
        return {key: prune(value, shape[key]) for key, value in source.items() if key in shape}
    if isinstance(source, list) and isinstance(shape, list):
        if not source or not shape:
            return []
        if type(source[0]) is not type(shape[0]):
            return source
        return [prune(value, like) for value, like in zip(source, shape, strict=False)]
    return source
