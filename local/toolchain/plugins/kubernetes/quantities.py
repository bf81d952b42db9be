"""Resource quantities in the form that the API server gives them (``1000m`` is ``1``, ``1024Mi`` is ``1Gi``)."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal
from typing import Any

from models.quantity import amount

_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
# Fields whose values (or whose values' values) are quantities, in every built-in kind that has them.
MAPS = frozenset(
    {
        "capacity",
        "default",
        "defaultRequest",
        "hard",
        "limits",
        "max",
        "maxLimitRequestRatio",
        "min",
        "overhead",
        "requests",
    }
)
VALUES = frozenset({"averageValue", "divisor", "sizeLimit"})


def canonical(value: Any) -> Any:
    """``value`` as Kubernetes writes the same quantity; what isn't a quantity is returned as it is."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    text = str(value).strip()
    if "e" in text.lower() and not text.endswith(("E", "Ei")):
        return value  # a decimal exponent stays one
    try:
        parsed = amount(text)
    except ValueError:
        return value
    binary = text[-2:] in _BINARY
    if binary and abs(parsed) >= 1024 and parsed == parsed.to_integral_value():
        return _scaled(parsed, [(suffix, Decimal(1024) ** power) for suffix, power in _BINARY.items()])
    # Nothing finer than a nano-unit is kept.
    parsed = parsed.quantize(Decimal("1e-9"), rounding=ROUND_UP)
    return _scaled(parsed, [(suffix, Decimal(10) ** power) for suffix, power in _DECIMAL.items()])


def _scaled(amount: Decimal, suffixes: list[tuple[str, Decimal]]) -> str:
    """``amount`` with the largest suffix that leaves a whole number."""
    if amount == 0:
        return "0"
    chosen, unit = "", Decimal(1)
    for suffix, size in suffixes:
        if (amount / size) % 1 == 0:
            chosen, unit = suffix, size
    return f"{amount / unit:f}".split(".")[0] + chosen


def canonicalize(value: Any) -> None:
    """Brings every quantity inside ``value`` (an object of a built-in kind) into canonical form, in place."""
    if isinstance(value, list):
        for item in value:
            canonicalize(item)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key in MAPS and isinstance(item, dict):
            value[key] = {name: canonical(quantity) for name, quantity in item.items()}
        elif key in VALUES:
            value[key] = canonical(item)
        else:
            canonicalize(item)
