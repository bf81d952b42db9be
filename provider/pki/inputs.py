"""Checks that the PKI resources share."""

from __future__ import annotations

from datetime import UTC, datetime

from provider.plugin import UNKNOWN, CheckFailure, Diff, Kind, Properties, Value, reveal

# Upper bound of a common name and an organisation (RFC 5280, appendix A: ub-common-name, ub-organization-name).
NAME_LENGTH = 64


def text_failures(inputs: Properties, *names: str) -> list[CheckFailure]:
    """Of inputs that must be a name as certificates have them."""
    return [
        CheckFailure(name, f"must be a text of 1 to {NAME_LENGTH} characters")
        for name in names
        if not _unknown(inputs.get(name)) and not _is_name(inputs.get(name))
    ]


def number_failures(inputs: Properties, name: str, lowest: int, highest: int, unit: str) -> list[CheckFailure]:
    """Of an input that must be a whole number."""
    value = reveal(inputs.get(name))
    if value is UNKNOWN or (isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest):
        return []
    return [CheckFailure(name, f"must be a whole number of {unit} from {lowest} to {highest}, not {value!r}")]


def name_list_failures(inputs: Properties, name: str) -> list[CheckFailure]:
    """Of an input that must be a list of names."""
    value = reveal(inputs.get(name))
    if value is UNKNOWN or (isinstance(value, list) and all(item is UNKNOWN or _is_name(item) for item in value)):
        return []
    return [CheckFailure(name, f"must be a list of texts of 1 to {NAME_LENGTH} characters")]


def changes(old: Properties, new: Properties, *, replace: bool) -> Diff:
    """Every input that differs, secrets by their values."""
    before, after = reveal(old), reveal(new)
    kind = Kind.UPDATE_REPLACE if replace else Kind.UPDATE
    return Diff({name: kind for name in sorted({*before, *after}) if before.get(name) != after.get(name)})


def timestamp(time: datetime) -> str:
    """In UTC, as outputs have it: 2030-01-31T12:00:00Z."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str) -> datetime:
    """What :func:`timestamp` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def now() -> datetime:
    """The time, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def _unknown(value: Value) -> bool:
    return reveal(value) is UNKNOWN


def _is_name(value: Value) -> bool:
    text = reveal(value)
    return isinstance(text, str) and 0 < len(text) <= NAME_LENGTH
