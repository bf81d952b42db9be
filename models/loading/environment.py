"""An environment as all of its files say, checked together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import products as product_packages
from models import names
from models.effective import effective_plan
from models.environment import EnvironmentSettings
from models.loading.document import Document, Keys
from models.loading.problems import InvalidInput, Problem, nearest
from models.loading.products import load_products
from models.loading.settings import GERMAN_LOCATIONS, SETTINGS, is_local, read_settings
from models.loading.tenants import TenantFile, check_tenants, features, read_tenants, tenants_of
from models.plan import Plan, Pool
from models.product import ProductModule
from models.tenant import Tenant


@dataclass(frozen=True)
class Environment:
    """One environment: what runs in it, where, and for whom."""

    name: str
    settings: EnvironmentSettings
    products: Mapping[str, ProductModule]
    """The environment's products, by name."""
    tenants: tuple[Tenant, ...]
    """Sorted by slug."""

    def plan(self, tenant: Tenant) -> Plan:
        """The tenant's plan with its overrides and additional features."""
        plan = self.products[tenant.product].product.plans[tenant.plan]
        effective = effective_plan(plan, tenant.overrides)
        return effective.model_copy(update={"features": features(tenant, plan)})

    @property
    def dedicated(self) -> list[str]:
        """Slugs of the tenants that have nodes of their own (FC-135)."""
        return [tenant.slug for tenant in self.tenants if self.plan(tenant).pool is Pool.DEDICATED]


def load_environment(project_dir: Path, environment: str) -> Environment:
    """The environment named ``environment``: ``Pulumi.{environment}.yaml`` and ``tenants/{environment}/*.yaml``.

    Raises InvalidInput with every problem of all files at once; their paths are relative to ``project_dir``.
    """
    problems: list[Problem] = []
    document: Document | None = None
    settings: EnvironmentSettings | None = None
    try:
        path = project_dir / f"Pulumi.{environment}.yaml"
        document, settings = read_settings(path, environment, base=project_dir)
    except InvalidInput as error:
        problems.extend(error.problems)
    products = _products(document, settings, problems)
    files, unreadable = read_tenants(project_dir / "tenants" / environment, base=project_dir)
    problems.extend(unreadable)
    check_tenants(files, products)
    if document is not None and settings is not None:
        _check_shared_secrets(document, settings, products)
        for file in files:
            if file.tenant is not None:
                _check_place(file.document, file.tenant, settings, environment)
        _check_generated(document, files, products, environment)
    problems.extend(problem for file in files for problem in file.document.problems)
    problems.extend(document.problems if document is not None else ())
    if problems or settings is None:
        raise InvalidInput(problems)
    return Environment(environment, settings, products, tenants_of(files))


def _products(
    document: Document | None, settings: EnvironmentSettings | None, problems: list[Problem]
) -> Mapping[str, ProductModule]:
    """The environment's products; all there are when its settings can't be used, so that tenants are still checked."""
    existing = product_packages.names()
    wanted = existing if settings is None else settings.products
    for index, name in enumerate(wanted):
        if name not in existing and document is not None:
            keys: Keys = (*SETTINGS, "products", index)
            document.report(keys, "is no product", hint=nearest(name, existing), prefix=SETTINGS)
    loaded: dict[str, ProductModule] = {}
    for name in wanted:
        if name in existing:
            try:
                loaded.update(load_products((name,)))
            except InvalidInput as error:
                problems.extend(error.problems)
    return loaded


def _check_shared_secrets(
    document: Document, settings: EnvironmentSettings, products: Mapping[str, ProductModule]
) -> None:
    for module in products.values():
        for name in module.product.shared_secrets.values():
            if name not in settings.shared_secrets:
                message = f"is missing: tenants of {module.product.name} share it"
                keys: Keys = (*SETTINGS, "shared_secrets", name)
                document.report(keys, message, hint="give a reference such as `{config: KEY}`", prefix=SETTINGS)


def _check_place(document: Document, tenant: Tenant, settings: EnvironmentSettings, environment: str) -> None:
    """Where the tenant is served and its data lie."""
    allowed = (settings.region,) if is_local(environment) else GERMAN_LOCATIONS
    if tenant.region is not None and tenant.region not in allowed:
        document.report(("region",), f"is no region for {environment}", hint=nearest(tenant.region, allowed))
    for index, domain in enumerate(tenant.domains):
        keys: Keys = ("domains", index)
        # FC-235
        own = {settings.domain, *(names.host(label, settings.domain) for label in names.RESERVED_SLUGS)}
        if domain in own:
            document.report(keys, "is a host of the platform itself", hint="use a domain of the tenant's own")
        elif domain == names.host(tenant.slug, settings.domain):
            document.report(keys, "is the tenant's host already", hint="remove it")
        elif domain.endswith(f".{settings.domain}"):
            hint = "use a domain of the tenant's own"
            document.report(
                keys, f"lies below {settings.domain}, where every host is named by a tenant's slug", hint=hint
            )


def _check_generated(
    document: Document, files: list[TenantFile], products: Mapping[str, ProductModule], environment: str
) -> None:
    """Keys that other companies issue can't be made up, except where nothing real is called."""
    if is_local(environment):
        return
    issued = {key for module in products.values() for key in module.product.secret_keys}
    shared = {name for module in products.values() for name in module.product.shared_secrets.values()}
    places = [(document, (*SETTINGS, "shared_secrets", name, "generate"), SETTINGS) for name in sorted(shared)]
    places += [(file.document, ("secrets", key, "generate"), ()) for file in files for key in sorted(issued)]
    for where, keys, prefix in places:
        if where.value(keys) is not None:
            message = "can't be generated: another company issues it"
            where.report(keys, message, hint="give `config: KEY`", show=False, prefix=prefix)
