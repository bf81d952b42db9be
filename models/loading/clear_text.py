"""Finding secrets that stand in clear in a file, without ever showing one."""

from __future__ import annotations

from collections.abc import Iterator

from models.cleartext import looks_random, names_secret, shape
from models.loading.document import Document, Keys
from models.loading.problems import Problem

_HINT = "take it out, treat it as known to others, and give a reference such as `{config: KEY}`"


def report_secrets(document: Document, *, below: Keys = ()) -> None:
    """Note every secret in clear: known shapes anywhere, comments included; telling names and randomness in values.

    Values below ``below`` are looked at; what Pulumi encrypted (``secure: ...``) is no secret in clear.
    """
    found: list[str] = []
    for keys, value in _texts(document.value(below), below):
        kind = shape(value)
        if kind is None and names_secret(_last_name(keys)):
            kind = "a secret"
        if kind is None and looks_random(value):
            kind = "a generated secret"
        if kind is not None:
            document.in_clear.add(keys)
            found.append(value)
            document.report(keys, f"holds what looks like {kind} in clear", hint=_HINT)
    for number, line in enumerate(document.text.splitlines(), 1):
        kind = shape(line)
        if kind is not None and not any(text in line or line.strip() in text for text in found):
            message = f"holds what looks like {kind} in clear"
            document.problems.append(Problem(document.file, number, "", None, message, _HINT))


def _texts(value: object, keys: Keys) -> Iterator[tuple[Keys, str]]:
    if isinstance(value, str):
        yield keys, value
    elif isinstance(value, dict):
        if set(value) == {"secure"}:
            return
        for key, item in value.items():
            yield from _texts(item, (*keys, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*keys, index))


def _last_name(keys: Keys) -> str:
    return next((key for key in reversed(keys) if isinstance(key, str)), "")
