"""What would change, decided without asking the cluster: the recorded live object against the new inputs.

The live object is cut down to the fields of the old inputs first, so that what the cluster filled in is no change,
and what somebody else changed (as the last refresh found it) is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.toolchain.plugins.kubernetes.catalog import BUILT_IN
from local.toolchain.plugins.kubernetes.objects import Object, is_secret, kind_of
from provider.plugin import UNKNOWN, Kind

Path = tuple[str | int, ...]

# A field that isn't there, as opposed to one that is null.
_MISSING: Any = object()
_REPLACING = {
    Kind.ADD: Kind.ADD_REPLACE,
    Kind.DELETE: Kind.DELETE_REPLACE,
    Kind.UPDATE: Kind.UPDATE_REPLACE,
}


def replace_paths(obj: Object, *, config_map_mutable: bool, secret_mutable: bool) -> tuple[str, ...]:
    """The properties whose change makes ``obj`` anew (provider/pkg/provider/diff.go of pulumi-kubernetes)."""
    identity = ("metadata.name", "metadata.namespace")
    immutable = obj.get("immutable") is True
    api = BUILT_IN.get(kind_of(obj))
    if is_secret(obj) and (immutable or not secret_mutable):
        return (*identity, "type", "stringData", "data")
    if kind_of(obj) == ("v1", "ConfigMap") and (immutable or not config_map_mutable):
        return (*identity, "binaryData", "data")
    return (*identity, *(api.replace if api else ()))


def changes(live: Object, new: Object, sent: Object, replacing: Iterable[str]) -> dict[str, Kind]:
    """The changed property paths. ``live`` is pruned; ``sent`` are the old inputs; both and ``new`` are normalized."""
    finder = _Finder([tuple(path.split(".")) for path in replacing])
    finder.fields((), live, new, sent)
    return finder.found


def path_text(path: Path) -> str:
    """The path as Pulumi writes it: ``spec.ports[0].name``, ``metadata.labels["app.kubernetes.io/name"]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif any(character in part for character in '."[]'):
            text += f"[{json.dumps(part, ensure_ascii=False)}]"
        else:
            text += f".{part}" if text else part
    return text


def covers(ignored: str, path: str) -> bool:
    """Whether an ``ignoreChanges`` path covers a changed path."""
    return path == ignored or path.startswith((f"{ignored}.", f"{ignored}["))


@dataclass
class _Finder:
    replacing: Sequence[tuple[str, ...]]
    found: dict[str, Kind] = field(default_factory=dict)

    def fields(self, path: Path, old: Mapping[str, Any], new: Mapping[str, Any], sent: Any) -> None:
        for key in {**old, **new}:
            earlier = sent.get(key, _MISSING) if isinstance(sent, Mapping) else _MISSING
            self.value((*path, key), old.get(key, _MISSING), new.get(key, _MISSING), earlier)

    def items(self, path: Path, old: Sequence[Any], new: Sequence[Any], sent: Any) -> None:
        earlier = sent if isinstance(sent, list) else []
        for index in range(max(len(old), len(new))):
            self.value(
                (*path, index),
                old[index] if index < len(old) else _MISSING,
                new[index] if index < len(new) else _MISSING,
                earlier[index] if index < len(earlier) else _MISSING,
            )

    def value(self, path: Path, old: Any, new: Any, sent: Any) -> None:
        if new is UNKNOWN:
            self.add(path, Kind.ADD if old is _MISSING else Kind.UPDATE, _MISSING)
        elif new is _MISSING:
            self.add(path, Kind.DELETE, None)
        elif old is _MISSING:
            # Of a field that is optional and empty the server keeps nothing.
            if not (_is_empty(new) and same(new, sent)):
                self.add(path, Kind.ADD, new)
        elif isinstance(old, Mapping) and isinstance(new, Mapping):
            self.fields(path, old, new, sent)
        elif isinstance(old, list) and isinstance(new, list):
            self.items(path, old, new, sent)
        elif not same(old, new):
            self.add(path, Kind.UPDATE, new)

    def add(self, path: Path, kind: Kind, value: Any) -> None:
        replaces = any(_touches(pattern, path, value) for pattern in self.replacing)
        self.found[path_text(path)] = _REPLACING[kind] if replaces else kind


def _touches(pattern: tuple[str, ...], path: Path, value: Any) -> bool:
    """Whether a change of ``value`` at ``path`` is one of the property that ``pattern`` names, or holds one."""
    parts = list(path)
    for position, name in enumerate(pattern):
        if not parts:
            return _holds(value, pattern[position:])
        field_name = name.removesuffix("[*]")
        if parts.pop(0) != field_name:
            return False
        if name.endswith("[*]"):
            if not parts:
                rest = pattern[position + 1 :]
                return isinstance(value, list) and any(_holds(item, rest) for item in value)
            parts.pop(0)
    return True


def _holds(value: Any, names: tuple[str, ...]) -> bool:
    for position, name in enumerate(names):
        if not isinstance(value, Mapping) or name.removesuffix("[*]") not in value:
            return False
        value = value[name.removesuffix("[*]")]
        if name.endswith("[*]"):
            rest = names[position + 1 :]
            return isinstance(value, list) and any(_holds(item, rest) for item in value)
    return True


def _is_empty(value: Any) -> bool:
    """Whether ``value`` is one that Kubernetes leaves out: false, 0, "", null, or made of nothing else."""
    if isinstance(value, Mapping):
        return all(_is_empty(item) for item in value.values())
    if isinstance(value, list):
        return not value
    return value is not UNKNOWN and not value


def same(one: Any, other: Any) -> bool:
    """Equality of JSON values (in which true isn't 1)."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)
