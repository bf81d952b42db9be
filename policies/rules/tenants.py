"""Tenants are fenced in, and none names another (FC-013, FC-163, FC-165)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from models import names
from policies.plain import UNKNOWN, Resource, Violation, items, section, texts
from policies.rules.types import ResourceRule, StackRule

REGISTRY = "foundation:tenancy:Registry"
NAMESPACE = "kubernetes:core/v1:Namespace"


def tenant_of(resource: Resource) -> str | None:
    """The slug of the tenant whose object this is, by its label; None for the platform's own."""
    slug = resource.labels.get("tenant")
    return slug if isinstance(slug, str) else None


def registered(resources: Sequence[Resource]) -> dict[str, dict[str, object]]:
    """The register of tenants: what is known of each by slug."""
    found: dict[str, dict[str, object]] = {}
    for resource in resources:
        if resource.type == REGISTRY:
            found.update(section(resource.properties, "tenants"))
    return found


def _no_door(resource: Resource) -> Iterator[str]:
    if resource.type != "kubernetes:core/v1:Service" or tenant_of(resource) is None:
        return
    if section(resource.properties, "spec").get("type", "ClusterIP") not in ("ClusterIP", UNKNOWN):
        yield "a tenant's Service must be of type ClusterIP: the gateway is the only way in"


def _denies_by_default(policy: Resource) -> bool:
    spec = section(policy.properties, "spec")
    return (
        spec.get("podSelector") == {}
        and set(spec.get("policyTypes") or ()) == {"Ingress", "Egress"}
        and not items(spec, "ingress")
        and not items(spec, "egress")
    )


def _fenced(resources: Sequence[Resource]) -> Iterator[Violation]:
    kinds: dict[str, set[str]] = defaultdict(set)
    for resource in resources:
        kind = resource.type.rpartition(":")[2]
        if kind == "NetworkPolicy" and not _denies_by_default(resource):
            continue
        kinds[resource.namespace or ""].add(kind)
    for namespace in resources:
        if namespace.type != NAMESPACE or tenant_of(namespace) is None or namespace.namespace is None:
            continue
        if namespace.labels.get("pod-security.kubernetes.io/enforce") not in ("restricted", UNKNOWN):
            yield Violation(namespace.urn, "the label pod-security.kubernetes.io/enforce must be restricted")
        for kind, what in (
            ("ResourceQuota", "a ResourceQuota"),
            ("LimitRange", "a LimitRange"),
            ("NetworkPolicy", "a NetworkPolicy that denies by default both ways"),
        ):
            if kind not in kinds[namespace.namespace]:
                yield Violation(namespace.urn, f"the tenant's namespace needs {what}")


_NAME = re.compile(r"[A-Za-z0-9_-]+")


def _marks(slugs: Iterable[str]) -> dict[str, set[str]]:
    """The tenants by their own names: of namespace, schema, role, Secret and rate limit.

    Nearly always one tenant, but the Secret of bob is called as the namespace of a tenant secrets-bob. Looked up word
    by word, so that judging a text takes no longer with a thousand tenants than with one.
    """
    marks: dict[str, set[str]] = defaultdict(set)
    for slug in slugs:
        for derive in (names.namespace, names.database_schema, names.database_role, names.secret, names.rate_limit):
            marks[derive(slug)].add(slug)
    return dict(marks)


def _owner(resource: Resource, homes: Mapping[str, str], stores: Mapping[str, str]) -> str | None:
    """Whose object it is: by label or namespace (``homes``) in Kubernetes, by schema or role (``stores``) in
    PostgreSQL."""
    if (slug := tenant_of(resource)) is not None:
        return slug
    if resource.type.startswith("kubernetes:"):
        return homes.get(resource.namespace or "")
    named = (resource.properties.get(key) for key in ("schema", "role", "name"))
    return next((stores[name] for name in named if isinstance(name, str) and name in stores), None)


def _names_no_other(resources: Sequence[Resource]) -> Iterator[Violation]:
    slugs = {slug for r in resources if r.type == NAMESPACE and (slug := tenant_of(r))} | set(registered(resources))
    marks = _marks(slugs)
    homes = {names.namespace(slug): slug for slug in slugs}
    stores = {derive(slug): slug for slug in slugs for derive in (names.database_schema, names.database_role)}
    for resource in resources:
        owner = _owner(resource, homes, stores)
        if owner is None:
            continue
        for path, text in texts(resource.properties):
            named = [marks[name] for name in _NAME.findall(text) if name in marks]
            for slug in sorted({slug for tenants in named if owner not in tenants for slug in tenants}):
                yield Violation(resource.urn, f"{path}: an object of tenant {owner} names tenant {slug}'s")


NO_DOOR_OF_ITS_OWN = ResourceRule(
    "tenants-have-no-door-of-their-own", "Tenants are reached through the gateway alone.", _no_door
)
FENCED = StackRule(
    "tenants-are-fenced",
    "Every tenant's namespace enforces restricted pods and has a quota, a limit range and a default-deny policy.",
    _fenced,
)
NAMES_NO_OTHER = StackRule(
    "tenants-name-no-other",
    "No object of a tenant names another tenant's namespace, schema, role or Secret.",
    _names_no_other,
)
