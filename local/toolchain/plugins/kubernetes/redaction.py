"""Keeping secrets out of what the user is told: the API server quotes values that it refuses."""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from local.toolchain.plugins.kubernetes import apply
from provider.plugin import Context, InitFailed, PluginError, Properties, Secret, State, reveal

OperationT = TypeVar("OperationT", bound=Callable[..., Any])

# Shorter values are too likely to be parts of innocent words.
_SHORTEST = 4
SHOWN = "[secret]"


def discreet(operation: OperationT) -> OperationT:
    """Keeps the secrets of an operation's arguments out of its errors and its progress."""

    @functools.wraps(operation)
    def guarded(self: Any, context: Context[Any], *arguments: Any) -> Any:
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

    return cast(OperationT, guarded)


def redact(text: str, *sources: Properties) -> str:
    """``text`` without the secrets of ``sources`` (inputs or outputs of a resource)."""
    found = {value for source in sources for value in _secrets(source)}
    for value in sorted(found, key=len, reverse=True):
        text = text.replace(value, SHOWN)
    return text


def _secrets(properties: Mapping[str, Any]) -> Iterator[str]:
    if reveal(properties.get("kind")) == "Secret":
        for section in ("data", "stringData"):
            yield from _texts(reveal(properties.get(section)))
    for value in properties.values():
        yield from _marked(value)


def _marked(value: Any) -> Iterator[str]:
    match value:
        case Secret():
            yield from _texts(reveal(value))
        case Mapping():
            for item in value.values():
                yield from _marked(item)
        case list():
            for item in value:
                yield from _marked(item)


def _texts(value: Any) -> Iterator[str]:
    """Every text inside a secret, as it is and as base64 would hide it."""
    match value:
        case str() if len(value) >= _SHORTEST:
            yield value
            yield base64.b64encode(value.encode()).decode()
            try:
                decoded = base64.b64decode(value, validate=True).decode()
            except ValueError:  # neither base64 nor text
                return
            if len(decoded) >= _SHORTEST:
                yield decoded
        case Mapping():
            for item in value.values():
                yield from _texts(item)
        case list():
            for item in value:
                yield from _texts(item)
