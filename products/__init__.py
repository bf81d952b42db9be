"""The SaaS products: one package each. A further one is added by adding a folder with a function ``module``."""

from __future__ import annotations

import importlib
import pkgutil
from typing import cast

from models.product import ProductModule


class UnknownProduct(LookupError):
    """There is no product of this name; the message lists those that exist."""


def names() -> tuple[str, ...]:
    """The names of all products: ``foundation-cloud`` lives in the package ``products.foundation_cloud``."""
    return tuple(sorted(found.name.replace("_", "-") for found in pkgutil.iter_modules(__path__) if found.ispkg))


def load(name: str) -> ProductModule:
    """The product named ``name``.

    Raises UnknownProduct when no folder has this name, and ``models.loading.InvalidInput`` when its files are wrong.
    """
    if name not in names():
        raise UnknownProduct(f"{name!r} is no product; there are: {', '.join(names())}")
    package = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    return cast(ProductModule, package.module())
