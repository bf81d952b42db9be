"""Reading Kubernetes quantities as Kubernetes' own Python client does.

Importing its package brings the whole client along: 0.16 CPU seconds for every program, plugin and command. The module
that reads quantities needs nothing of the rest, so it is loaded alone.
"""

from __future__ import annotations

import importlib.util
from decimal import Decimal
from pathlib import Path
from typing import Any


def _load() -> Any:
    package = importlib.util.find_spec("kubernetes")
    assert package is not None, "a dependency of this project"
    assert package.origin is not None, "a package with code"
    file = Path(package.origin).parent / "utils" / "quantity.py"
    spec = importlib.util.spec_from_file_location("_kubernetes_quantity", file)
    assert spec is not None, "a Python file"
    assert spec.loader is not None, "a Python file"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_quantity = _load()


def amount(quantity: str | int | float | Decimal) -> Decimal:
    """A quantity in cores or bytes: ``250m`` is 0.25, ``1Ki`` is 1024. Raises ``ValueError`` for what is none."""
    return Decimal(_quantity.parse_quantity(quantity))
