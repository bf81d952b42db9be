"""A tenant's life, as edits of its file: add, change plan, remove. ``up`` does the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pulumi.automation import Stack

from automation import tenant_files
from automation.backup import take_final_backup, verify
from automation.engine import open_stack, resources_of
from automation.errors import BadInput
from automation.project import Project
from models import names
from models.loading import Environment
from models.tenant import Status, Tenant

REGISTRY_TYPE = "foundation:tenancy:Registry"


@dataclass(frozen=True)
class Step:
    """What a step of a removal did. ``finished``: nothing is left to do after the next update."""

    done: str
    finished: bool = False


def describe(environment: Environment, tenant: Tenant) -> dict[str, Any]:
    """What is known of a tenant without asking the world: stable keys for machines."""
    domain = environment.settings.domain
    return {
        "slug": tenant.slug,
        "name": tenant.display_name,
        "product": tenant.product,
        "plan": tenant.plan,
        "status": tenant.status.value,
        "url": f"https://{names.host(tenant.slug, domain)}",
        "domains": list(tenant.domains),
        "namespace": names.namespace(tenant.slug),
        "schema": names.database_schema(tenant.slug),
        "role": names.database_role(tenant.slug),
        "id": str(tenant.id),
    }


def find(environment: Environment, slug: str) -> Tenant:
    """The tenant with this slug. Raises ``BadInput`` when there is none."""
    for tenant in environment.tenants:
        if tenant.slug == slug:
            return tenant
    known = ", ".join(tenant.slug for tenant in environment.tenants) or "none yet"
    raise BadInput(f"there is no tenant {slug!r} in environment {environment.name}", next_step=f"use one of: {known}")


def registered(stack: Stack) -> dict[str, dict[str, Any]]:
    """The tenants as the last update left them: slug -> plan, status, whether the final backup is recorded."""
    for resource in resources_of(stack):
        if resource["type"] == REGISTRY_TYPE:
            return dict(resource.get("outputs", {}).get("tenants") or {})
    return {}


def remove_step(project: Project, slug: str) -> Step:
    """The next step of taking a tenant away; to be called again after each update until it is ``finished``.

    First the status becomes ``deleted``: no pods, no route, data kept. When that is applied, the final backup is
    taken, verified and recorded. When that is applied too, the file goes, and the update after it drops the data.
    Interrupted anywhere, the same call goes on. Raises ``BadInput`` for an unknown tenant.
    """
    stack = open_stack(project)
    applied = registered(stack)
    file = project.tenants_folder / f"{slug}.yaml"
    if not file.is_file() and slug in applied:
        return Step(f"the file of {slug} is removed already", finished=True)
    environment = project.load()
    tenant = find(environment, slug)
    if slug not in applied:
        tenant_files.delete(project, slug)
        return Step(f"removed the file of {slug}, which was never applied", finished=True)
    if tenant.status is not Status.DELETED:
        tenant_files.set_status(project, slug, Status.DELETED.value)
        return Step(f"{slug} is marked as deleted")
    if applied[slug]["status"] != Status.DELETED.value:
        return Step(f"{slug} is marked as deleted already")
    if tenant.final_backup is None:
        backup = take_final_backup(project, environment, slug, _password(stack, environment))
        tenant_files.set_final_backup(project, slug, backup.recorded(project))
        return Step(f"took the final backup {backup.file.name} and recorded it")
    verify(project, tenant.final_backup.location, tenant.final_backup.sha256)
    if not applied[slug]["final_backup"]:
        return Step(f"the final backup of {slug} is recorded already")
    tenant_files.delete(project, slug)
    return Step(f"removed the file of {slug}", finished=True)


def _password(stack: Stack, environment: Environment) -> str | None:
    reference = environment.settings.postgresql.password
    if reference is None or reference.config is None:
        return None
    return stack.get_config(reference.config).value
