"""Loading models from YAML: every problem of every file at once, with file, line and what would be right."""

from models.effective import effective_plan
from models.loading.environment import Environment, load_environment
from models.loading.problems import InvalidInput, Problem
from models.loading.products import load_migrations, load_product, load_products
from models.loading.settings import load_settings
from models.loading.tenants import load_tenants

__all__ = [
    "Environment",
    "InvalidInput",
    "Problem",
    "effective_plan",
    "load_environment",
    "load_migrations",
    "load_product",
    "load_products",
    "load_settings",
    "load_tenants",
]
