"""``foundation:tenancy:Registry``: the tenants of last time against those of now, before anything is touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provider.plugin import CheckFailure, CheckResult, Context, Diff, Kind, Properties, ResourceType, State, Value
from provider.postgres.server import Server

DELETED = "deleted"


class Registry(ResourceType[Server]):
    """Pure bookkeeping: its whole work is the comparison in :meth:`check`. It needs no server."""

    def check(self, context: Context[Server], old: Properties | None, new: Properties, seed: bytes) -> CheckResult:
        tenants = new.get("tenants")
        if not isinstance(tenants, Mapping):
            reason = "must map each tenant's slug to its id, plan, status and final_backup, all known beforehand"
            return CheckResult(new, [CheckFailure("tenants", reason)])
        failures = _malformed(tenants)
        if not failures:
            failures = offences((old or {}).get("tenants") or {}, tenants)
        return CheckResult({"tenants": tenants}, failures)

    def diff(self, context: Context[Server], old: State, new: Properties, ignore: Sequence[str]) -> Diff:
        before, now = old.inputs["tenants"], new["tenants"]
        detailed = {f"tenants.{slug}": Kind.ADD for slug in now if slug not in before}
        detailed |= {f"tenants.{slug}": Kind.DELETE for slug in before if slug not in now}
        for slug in before.keys() & now.keys():
            for key in sorted(before[slug].keys() | now[slug].keys()):
                if before[slug].get(key) != now[slug].get(key):
                    detailed[f"tenants.{slug}.{key}"] = Kind.UPDATE
        return Diff(detailed)

    def create(self, context: Context[Server], inputs: Properties) -> State:
        return State(context.resource.name, inputs, inputs)

    def read(self, context: Context[Server], state: State) -> State | None:
        return state

    def update(self, context: Context[Server], old: State, new: Properties) -> Properties:
        return new

    def delete(self, context: Context[Server], state: State) -> None:
        """Nothing to remove: the data itself is protected where it is."""


def offences(before: Mapping[str, Value], now: Mapping[str, Value]) -> list[CheckFailure]:
    """Every way in which going from ``before`` to ``now`` would lose a tenant's data or identity."""
    slug_of: dict[str, str] = {}
    failures = []
    for slug, tenant in sorted(now.items()):
        other = slug_of.setdefault(tenant["id"], slug)
        if other != slug:
            reason = f"has the id of tenant {other!r}, {tenant['id']}: a new tenant needs an id of its own"
            failures.append(CheckFailure(f"tenants.{slug}.id", reason))
    for slug, tenant in sorted(before.items()):
        renamed = slug_of.get(tenant["id"])
        if slug not in now and renamed is not None:
            failures.append(
                CheckFailure(
                    f"tenants.{slug}",
                    f"a slug can't be renamed: tenant {slug!r} (id {tenant['id']}) is now called {renamed!r}, but "
                    f"its namespace, schema and hosts bear the old name. Call it {slug!r} again; another name is "
                    "shown to users by its display name and domains",
                )
            )
        elif slug not in now and not (tenant["status"] == DELETED and tenant["final_backup"]):
            failures.append(CheckFailure(f"tenants.{slug}", _still_has_data(slug, tenant["status"])))
        elif slug in now and now[slug]["id"] != tenant["id"]:
            failures.append(
                CheckFailure(
                    f"tenants.{slug}.id",
                    f"the id of tenant {slug!r} changed from {tenant['id']} to {now[slug]['id']}: its rows belong "
                    f"to the old id. Put back `id: {tenant['id']}`; a new tenant needs a slug of its own",
                )
            )
    return failures


def _still_has_data(slug: str, status: str) -> str:
    if status == DELETED:
        return (
            f"tenant {slug!r} is deleted, but without a final backup: its file is gone too early. Put the file "
            f"back, run `foundation tenants remove {slug}`, which takes the final backup, then delete the file"
        )
    return (
        f"tenant {slug!r} still has data: its file is gone. Put the file back, set `status: deleted`, run "
        f"`foundation up`, then `foundation tenants remove {slug}` takes the final backup, then delete the file"
    )


def _malformed(tenants: Mapping[str, Value]) -> list[CheckFailure]:
    kinds = {"id": str, "plan": str, "status": str, "final_backup": bool}
    failures = []
    for slug, tenant in sorted(tenants.items()):
        for key, kind in kinds.items():
            value = tenant.get(key) if isinstance(tenant, Mapping) else None
            if not isinstance(value, kind):
                name = "true or false" if kind is bool else "a string"
                failures.append(CheckFailure(f"tenants.{slug}.{key}", f"must be {name}, known beforehand"))
    return failures
