"""Tenants from a folder of YAML files, and what must hold between a tenant, its plan and the other tenants."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.effective import effective_plan
from models.loading.clear_text import report_secrets
from models.loading.document import Document, Keys, read, shown_path
from models.loading.problems import InvalidInput, Problem, nearest
from models.loading.quantities import report_resources
from models.loading.validate import validate
from models.plan import KeyModel, Plan
from models.product import Product, ProductModule
from models.tenant import Status, Tenant

CUSTOM_AGENTS_REFUSED = "Custom agents only available on Enterprise tier"
"""FC-096."""
CUSTOM_DOMAINS = "custom-domains"
"""The feature that allows ``domains`` (FC-219)."""
IP_ALLOW_LIST = "ip-allow-list"
"""The feature that allows ``ip_allow_list`` (FC-218)."""


@dataclass(frozen=True)
class TenantFile:
    """A tenant's file, and the tenant in it (None when the file doesn't validate)."""

    document: Document
    tenant: Tenant | None


def load_tenants(directory: Path, products: Mapping[str, ProductModule]) -> tuple[Tenant, ...]:
    """The tenants in ``directory``, one file each, sorted by slug. An empty folder holds none.

    Raises InvalidInput with every problem of every file, and between files.
    """
    files, problems = read_tenants(directory)
    check_tenants(files, products)
    problems.extend(problem for file in files for problem in file.document.problems)
    if problems:
        raise InvalidInput(problems)
    return tenants_of(files)


def tenants_of(files: Sequence[TenantFile]) -> tuple[Tenant, ...]:
    """The tenants of valid files, sorted by slug."""
    return tuple(sorted((file.tenant for file in files if file.tenant is not None), key=lambda tenant: tenant.slug))


def read_tenants(directory: Path, *, base: Path | None = None) -> tuple[list[TenantFile], list[Problem]]:
    """Every tenant's file, each checked by itself, and the problems of what is no readable tenant's file."""
    folder = shown_path(directory, base)
    if not directory.is_dir():
        return [], [Problem(folder, 1, "", None, "there is no such folder", "an empty one means: no tenants")]
    files: list[TenantFile] = []
    problems: list[Problem] = []
    for path in sorted(directory.iterdir()):
        if path.name.startswith("."):
            continue
        if path.suffix != ".yaml" or not path.is_file():
            hint = f"name it {path.stem}.yaml" if path.suffix == ".yml" else "the folder holds tenants and nothing else"
            problems.append(Problem(shown_path(path, base), 1, "", None, "is no tenant's file (SLUG.yaml)", hint))
            continue
        try:
            document = read(path, base=base)
        except InvalidInput as error:
            problems.extend(error.problems)
            continue
        report_secrets(document)
        tenant = validate(Tenant, document)
        slug = document.value(("slug",))
        if isinstance(slug, str) and slug != path.stem:
            document.report(
                ("slug",), f"must be the file's name, {path.stem!r}", hint=f"or rename the file: {slug}.yaml"
            )
        files.append(TenantFile(document, tenant))
    return files, problems


def check_tenants(files: Sequence[TenantFile], products: Mapping[str, ProductModule]) -> None:
    """Note what is wrong between each tenant and its plan, and between tenants."""
    for file in files:
        if file.tenant is not None:
            _check_tenant(file.document, file.tenant, products)
    _check_unique(files, ("slug",))
    _check_unique(files, ("id",))
    _check_domains(files)


def features(tenant: Tenant, plan: Plan) -> tuple[str, ...]:
    """Features of the plan and those that the tenant has on top."""
    return tuple(dict.fromkeys((*plan.features, *tenant.features)))


def _check_tenant(document: Document, tenant: Tenant, products: Mapping[str, ProductModule]) -> None:
    if tenant.final_backup is not None and tenant.status is not Status.DELETED:
        hint = "set `status: deleted` first, or remove the field"
        document.report(("final_backup",), f"is only for deleted tenants; this one is {tenant.status}", hint=hint)
    if tenant.final_backup is not None and tenant.final_backup.taken_at.tzinfo is None:
        document.report(("final_backup", "taken_at"), "must name its time zone", hint="end it with Z for UTC")
    module = products.get(tenant.product)
    if module is None:
        document.report(("product",), "is no product of this environment", hint=nearest(tenant.product, products))
        return
    product = module.product
    plan = product.plans.get(tenant.plan)
    if plan is None:
        document.report(("plan",), f"is no plan of {product.name}", hint=nearest(tenant.plan, product.plans))
        return
    effective = effective_plan(plan, tenant.overrides)
    _check_overrides(document, plan, effective)
    _check_secrets(document, tenant, plan, product)
    _check_agents(document, tenant, plan, product)
    _check_features(document, tenant, plan, product)
    for finding in module.check(tenant, effective):
        document.report(finding.path, finding.message, hint=finding.hint, show=finding.show)


def _check_overrides(document: Document, plan: Plan, effective: Plan) -> None:
    if effective.limits.requests_per_minute is None:
        message = f"is missing: on {plan.name} the rate limit is by contract"
        document.report(("overrides", "requests_per_minute"), message, hint="give the number of requests a minute")
    report_resources(document, ("overrides",), effective)
    if effective.scaling.max_replicas < effective.scaling.min_replicas:
        message = f"is less than the plan's min_replicas, {effective.scaling.min_replicas}"
        document.report(("overrides", "max_replicas"), message)


def _check_secrets(document: Document, tenant: Tenant, plan: Plan, product: Product) -> None:
    for key in tenant.secrets:
        if key not in product.secret_keys:
            message = f"is no secret of {product.name}"
            document.report(("secrets", key), message, hint=nearest(key, product.secret_keys), show=False)
    own = product.model_provider_key
    if own is None:
        return
    # FC-091
    if plan.key_model is KeyModel.OWN and own not in tenant.secrets:
        hint = "give a reference such as `{config: KEY}`"
        document.report(("secrets", own), f"is missing: {plan.name} always brings its own key", hint=hint)
    if plan.key_model is KeyModel.POOLED and own in tenant.secrets:
        may = [name for name, other in product.plans.items() if other.key_model is not KeyModel.POOLED]
        hint = f"remove it; an own key is for: {', '.join(may)}"
        document.report(("secrets", own), f"{plan.name} uses the platform's key", hint=hint, show=False)


def _check_agents(document: Document, tenant: Tenant, plan: Plan, product: Product) -> None:
    for index, agent in enumerate(tenant.agents.custom):
        keys: Keys = ("agents", "custom", index)
        if not plan.custom_agents:
            document.report(keys, CUSTOM_AGENTS_REFUSED)
        if (problem := agent.problem()) is not None:
            document.report(keys, problem)
    if not plan.custom_agents:
        may = [name for name, other in product.plans.items() if other.custom_agents]
        for field in ("disabled", "models", "tools"):
            if getattr(tenant.agents, field):
                document.report(("agents", field), f"can't be set on {plan.name}", hint=f"it is for: {', '.join(may)}")


def _check_features(document: Document, tenant: Tenant, plan: Plan, product: Product) -> None:
    known = sorted({feature for other in product.plans.values() for feature in other.features})
    for index, feature in enumerate(tenant.features):
        if feature not in known:
            document.report(("features", index), f"is no feature of {product.name}", hint=nearest(feature, known))
    gated = (
        ("domains", tenant.domains, CUSTOM_DOMAINS, "custom domains"),
        ("ip_allow_list", tenant.ip_allow_list, IP_ALLOW_LIST, "IP allow lists"),
    )
    for field, value, feature, what in gated:
        if value and feature not in features(tenant, plan):
            may = [name for name, other in product.plans.items() if feature in other.features]
            document.report((field,), f"can't be set on {plan.name}", hint=f"{what} are for: {', '.join(may)}")


def _check_unique(files: Sequence[TenantFile], keys: Keys) -> None:
    first: dict[str, Document] = {}
    for file in files:
        value = file.document.value(keys)
        if isinstance(value, str):
            taken = first.setdefault(value.lower(), file.document)
            if taken is not file.document:
                file.document.report(
                    keys, f"is taken by {taken.file}:{taken.line(keys)}", hint="each tenant has its own"
                )


def _check_domains(files: Sequence[TenantFile]) -> None:
    first: dict[str, tuple[Document, Keys]] = {}
    for file in files:
        for index, domain in enumerate(file.tenant.domains if file.tenant else ()):
            keys: Keys = ("domains", index)
            if "." not in domain or re.search(r"\.[0-9]+$", domain):
                file.document.report(keys, "is no host of a tenant", hint="it needs a name such as shop.example.com")
            document, at = first.setdefault(domain, (file.document, keys))
            if (document, at) != (file.document, keys):
                file.document.report(keys, f"is taken by {document.file}:{document.line(at)}")
