"""Empty values that Kubernetes doesn't keep.

A field of a built-in kind that is optional and no pointer (in Kubernetes' Go types: ``omitempty``) vanishes when it
is false, 0, "" or empty; one that is a pointer (``replicas: 0``) means something. No schema tells the two apart, so
those that vanish are named here; a name that is missing costs a difference after a refresh and nothing else.
"""

from __future__ import annotations

from typing import Any

# Free keys: their entries are the user's, and without any the field vanishes.
MAPS = frozenset(
    {
        "annotations",
        "binaryData",
        "data",
        "default",
        "defaultRequest",
        "hard",
        "labels",
        "limits",
        "matchLabels",
        "max",
        "maxLimitRequestRatio",
        "min",
        "nodeSelector",
        "parameters",
        "requests",
        "stringData",
    }
)
_FALSE = frozenset(
    {
        "globalDefault",
        "hostIPC",
        "hostNetwork",
        "hostPID",
        "paused",
        "publishNotReadyAddresses",
        "readOnly",
        "stdin",
        "stdinOnce",
        "tty",
    }
)
_ZERO = frozenset({"healthCheckNodePort", "hostPort", "initialDelaySeconds", "minReadySeconds", "nodePort"})
_BLANK = frozenset(
    {
        "clusterIP",
        "description",
        "dnsPolicy",
        "externalName",
        "externalTrafficPolicy",
        "host",
        "hostIP",
        "hostname",
        "image",
        "imagePullPolicy",
        "loadBalancerIP",
        "medium",
        "namespace",
        "nodeName",
        "path",
        "priorityClassName",
        "protocol",
        "restartPolicy",
        "schedulerName",
        "scheme",
        "serviceAccountName",
        "sessionAffinity",
        "subPath",
        "subdomain",
        "terminationMessagePath",
        "terminationMessagePolicy",
        "type",
        "value",
        "volumeName",
        "workingDir",
    }
)
# The list that every object of its kind has.
_KEPT_LISTS = frozenset({"rules"})


def without_empties(value: Any) -> Any:
    """``value`` (an object of a built-in kind, or a part of one) without nulls and what vanishes."""
    if isinstance(value, list):
        return [without_empties(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: item if key in MAPS and isinstance(item, dict) else without_empties(item)
        for key, item in value.items()
        if not _vanishes(key, item)
    }


def _vanishes(key: str, value: Any) -> bool:
    match value:
        case None:
            return True
        case bool():
            return not value and key in _FALSE
        case int() | float():
            return value == 0 and key in _ZERO
        case str():
            return value == "" and key in _BLANK
        case list():
            return not value and key not in _KEPT_LISTS
        case dict():
            return not value and key in MAPS
    return False
