"""``pulumi.com/waitFor``: conditions that the user names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from local.toolchain.plugins.kubernetes.awaiting.observing import Readiness, Watched
from local.toolchain.plugins.kubernetes.objects import WAIT_FOR, Object, find, metadata
from provider.plugin import PluginError

Test = Callable[[Object], bool]


class InvalidCondition(PluginError):
    """The annotation can't be understood; says what would be right."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{WAIT_FOR} {text!r}: {reason}")


def custom(watched: Watched, made: Object, text: str) -> Readiness:
    """The readiness that the annotation asks for: one expression, or a JSON list of them."""
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = text
    expressions = parsed if isinstance(parsed, list) else [text]
    if not expressions:
        raise InvalidCondition(text, "at least one condition must be specified")
    return _CustomReadiness(watched, made, [(str(one), _test(str(one))) for one in expressions])


class _CustomReadiness(Readiness):
    def __init__(self, watched: Watched, made: Object, tests: list[tuple[str, Test]]) -> None:
        super().__init__(watched, made, None)
        self._tests = tests
        self._open: list[str] = []

    def ready(self, live: Object) -> bool:
        self._open = [text for text, test in self._tests if not test(live)]
        if self._open:
            self.watched.log(f"Waiting for {', '.join(self._open)}")
        return not self._open

    def reasons(self) -> list[str]:
        return [f"{text} was not met" for text in self._open]


def _test(expression: str) -> Test:
    kind, separator, rest = expression.partition("=")
    if separator and kind == "jsonpath":
        return _json_path(expression, rest)
    if separator and kind == "condition":
        name, _, status = rest.partition("=")
        return lambda live: _has_condition(live, name, status or "True")
    raise InvalidCondition(expression, 'must begin with "jsonpath=" or "condition="')


def _has_condition(live: Object, name: str, status: str) -> bool:
    for entry in find(live, "status", "conditions") or []:
        if str(entry.get("type", "")).lower() == name.lower():
            seen = entry.get("observedGeneration", find(live, "status", "observedGeneration"))
            stale = seen is not None and seen < metadata(live).get("generation", 0)
            return not stale and str(entry.get("status", "")).lower() == status.lower()
    return False


def _json_path(expression: str, text: str) -> Test:
    import jsonpath_rfc9535

    match = re.fullmatch(r"\{\s*(?P<path>.*?)\s*\}(=(?P<value>.+))?", text)
    if match is None:
        raise InvalidCondition(expression, "must be jsonpath={.path} or jsonpath={.path}=value")
    path = match["path"] if match["path"].startswith("$") else f"${match['path']}"
    try:
        query = jsonpath_rfc9535.compile(path)
    except jsonpath_rfc9535.JSONPathError as error:
        raise InvalidCondition(expression, str(error)) from error
    wanted = match["value"]

    def test(live: Object) -> bool:
        values = query.find(live).values()
        return bool(values) and (wanted is None or _text(values[0]) == wanted)

    return test


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
