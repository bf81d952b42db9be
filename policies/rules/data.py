"""What holds data is protected; letting it go takes an approval that is part of the change itself.

The engine refuses to delete or replace a protected resource. So this rule only has to see to it that data stays
protected until the tenant's own file says ``status: deleted``, and is dropped with what is inside only after the
file records the final backup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from models import names
from policies.plain import UNKNOWN, Resource, Violation
from policies.rules.tenants import NAMESPACE, registered, tenant_of
from policies.rules.types import StackRule

HOLD_DATA = frozenset(
    {
        NAMESPACE,
        "kubernetes:core/v1:PersistentVolumeClaim",
        "postgresql:index/database:Database",
        "postgresql:index/schema:Schema",
        "foundation:postgres:SchemaMigrations",
        "hcloud:index/volume:Volume",
    }
)


def _tenant(resource: Resource, slugs: Sequence[str]) -> str | None:
    if (slug := tenant_of(resource)) is not None:
        return slug
    schema = resource.properties.get("name" if resource.type.endswith(":Schema") else "schema")
    return next((slug for slug in slugs if schema == names.database_schema(slug)), None)


def _protected(resources: Sequence[Resource]) -> Iterator[Violation]:
    tenants = registered(resources)
    for resource in resources:
        if resource.type not in HOLD_DATA:
            continue
        slug = _tenant(resource, sorted(tenants))
        status = tenants.get(slug or "", {}).get("status")
        approved = status == "deleted" or status is UNKNOWN
        if not resource.protect and not approved:
            yield Violation(
                resource.urn,
                "this holds data and must be protected: a tenant's data is let go by `status: deleted` in its file",
            )
        backed_up = tenants.get(slug or "", {}).get("final_backup")
        if resource.properties.get("dropCascade") is True and not (approved and backed_up):
            yield Violation(
                resource.urn,
                "dropCascade deletes the tenant's rows: it takes `status: deleted` and `final_backup` in its file",
            )


PROTECTED = StackRule(
    "data-is-protected",
    "What holds data can't be deleted or replaced without approval in the change itself.",
    _protected,
)
