"""Foundation Cloud: Seldon, the coordinator of AI agents, as a service."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

from models.loading.products import load_migrations, load_product
from models.product import ProductModule
from products.foundation_cloud.agents import check, load_templates
from products.foundation_cloud.runtime import Parts, runtime

FOLDER = Path(__file__).parent


@cache
def module() -> ProductModule:
    """The product. Raises ``models.loading.InvalidInput`` when its files are wrong."""
    parts = Parts(
        product=load_product(FOLDER),
        templates=load_templates(FOLDER / "agents.yaml"),
        migrations=load_migrations(FOLDER / "migrations"),
    )
    return ProductModule(parts.product, partial(runtime, parts), partial(check, parts.templates))
