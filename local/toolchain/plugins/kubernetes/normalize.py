"""Inputs in the form that the API server gives them, so that equal meanings don't show as differences."""

from __future__ import annotations

import base64
import copy

from local.toolchain.plugins.kubernetes import quantities
from local.toolchain.plugins.kubernetes.catalog import BUILT_IN
from local.toolchain.plugins.kubernetes.empties import without_empties
from local.toolchain.plugins.kubernetes.objects import Object, is_crd, is_secret, kind_of, metadata
from provider.plugin import contains_unknown

# Set by the server alone.
_READ_ONLY = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)


def normalize(obj: Object) -> Object:
    """``obj`` normalized. Custom resources keep what only their own server could interpret."""
    obj = copy.deepcopy(obj)
    if not contains_unknown(obj) and kind_of(obj) in BUILT_IN:
        if is_crd(obj):
            _normalize_crd(obj)
        elif is_secret(obj):
            _normalize_secret(obj)
        else:
            obj = without_empties(obj)
            # Keys of ConfigMaps and labels are the user's own words, not fields.
            for section in obj.keys() - {"metadata", "data", "binaryData"}:
                quantities.canonicalize(obj[section])
    for field in _READ_ONLY:
        metadata(obj).pop(field, None)
    return obj


def _normalize_crd(obj: Object) -> None:
    spec = obj.get("spec")
    if isinstance(spec, dict) and spec.get("preserveUnknownFields") is False:
        del spec["preserveUnknownFields"]
    obj.pop("status", None)


def _normalize_secret(obj: Object) -> None:
    """``stringData`` ends up in ``data``, which the server writes without line breaks."""
    strings = obj.get("stringData")
    if isinstance(strings, dict) and strings and all(isinstance(value, str) for value in strings.values()):
        data = obj.setdefault("data", {})
        for key, value in strings.items():
            data[key] = base64.b64encode(value.encode()).decode()
        del obj["stringData"]
        return
    data = obj.get("data")
    if isinstance(data, dict):
        for key, value in data.items():
            if isinstance(value, str):
                try:
                    data[key] = base64.b64encode(base64.b64decode(value, validate=False)).decode()
                except ValueError:
                    continue  # the server says what is wrong with it
