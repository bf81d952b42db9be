"""A product's data files: ``plans.yaml`` and its SQL migrations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import products
from models.effective import effective_plan
from models.loading.document import read
from models.loading.problems import InvalidInput, Problem, nearest
from models.loading.quantities import report_resources
from models.loading.validate import validate
from models.product import Product, ProductModule
from models.tenant import Overrides
from models.workload import Migration

_MIGRATION = re.compile(r"^([0-9]{2,})-[a-z0-9-]+\.sql$")


def load_product(folder: Path) -> Product:
    """The product that ``plans.yaml`` in ``folder`` describes. Raises InvalidInput with every problem in it."""
    document = read(folder / "plans.yaml", base=folder.parent.parent)
    product = validate(Product, document)
    if product is not None:
        name = folder.name.replace("_", "-")
        if product.name != name:
            document.report(("name",), f"must be {name}, as its folder", hint=f"or rename the folder {folder.name}")
        for plan in product.plans.values():
            report_resources(document, ("plans", plan.name, "resources"), effective_plan(plan, Overrides()))
            if plan.scaling.min_replicas > plan.scaling.max_replicas:
                document.report(("plans", plan.name, "scaling", "min_replicas"), "is more than max_replicas")
        for key in (product.model_provider_key, *product.shared_secrets):
            if key is not None and key not in product.secret_keys:
                document.report(("secret_keys",), f"lacks {key}, which the product uses")
    if product is None or document.problems:
        raise InvalidInput(document.problems)
    return product


def load_migrations(folder: Path) -> tuple[Migration, ...]:
    """The SQL files in ``folder``, named ``01-what.sql``, ``02-...``, in order and without a gap.

    Raises InvalidInput naming every file that breaks the rule.
    """
    problems: list[Problem] = []
    migrations: list[Migration] = []
    for expected, path in enumerate(sorted(folder.glob("*.sql")), 1):
        match = _MIGRATION.match(path.name)
        if match is None or int(match[1]) != expected:
            message = f"must be named {expected:02}-what-it-does.sql, since migrations are numbered without a gap"
            problems.append(Problem(path.name, 1, "", None, message))
        else:
            migrations.append(Migration(version=expected, name=path.name, sql=path.read_text(encoding="utf-8")))
    if problems:
        raise InvalidInput(problems)
    return tuple(migrations)


def load_products(names: Iterable[str]) -> Mapping[str, ProductModule]:
    """The products of these names, by name.

    Raises InvalidInput for a name that no folder has, and for a product whose files are wrong.
    """
    problems: list[Problem] = []
    loaded: dict[str, ProductModule] = {}
    for name in names:
        try:
            loaded[name] = products.load(name)
        except products.UnknownProduct:
            problems.append(Problem("products", 1, "", repr(name), "is no product", nearest(name, products.names())))
        except InvalidInput as error:
            problems.extend(error.problems)
    if problems:
        raise InvalidInput(problems)
    return loaded
