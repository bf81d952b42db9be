"""The inputs of ``foundation:postgres:SchemaMigrations``: what they must be, and how they may change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import UUID

from provider.plugin import UNKNOWN, CheckFailure, CheckResult, Properties, Value, contains_unknown, reveal
from provider.postgres.history import Version, checksum_of, contradictions, numbering_errors

# Custom settings of PostgreSQL have a prefix: "app.current_tenant".
SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)+")
INPUTS = ("schema", "database", "owner", "migrations", "rowLevelSecurity")


def check_inputs(old: Properties | None, new: Properties, texts: dict[str, str]) -> CheckResult:
    """Validates ``new`` by itself and against ``old``; puts each migration's SQL into ``texts`` by its checksum
    and leaves the checksum in its place."""
    new = reveal(new)
    failures = [CheckFailure(key, f"unknown input; there are: {', '.join(INPUTS)}") for key in new if key not in INPUTS]
    for key in ("schema", "database", "owner"):
        value = new.get(key)
        if value is not UNKNOWN and (not isinstance(value, str) or not value):
            failures.append(CheckFailure(key, "must be a name"))
    migrations, wrong = _migrations(new.get("migrations"), texts)
    failures += wrong
    failures += _security_failures(new.get("rowLevelSecurity"))
    inputs = {key: new[key] for key in INPUTS if new.get(key) is not None} | {"migrations": migrations}
    if old and not failures:
        failures += _changes_refused(old, inputs)
    return CheckResult(inputs, failures)


def _migrations(value: Value, texts: dict[str, str]) -> tuple[Value, list[CheckFailure]]:
    if not isinstance(value, list):
        return [], [CheckFailure("migrations", "must be a list of {version, name, sql}, known beforehand")]
    migrations: list[Properties] = []
    failures = []
    for index, item in enumerate(value):
        version, name, sql = (
            (item.get(key) for key in ("version", "name", "sql")) if isinstance(item, Mapping) else (None,) * 3
        )
        if not isinstance(version, int) or not isinstance(name, str) or not isinstance(sql, str) or not sql.strip():
            reason = "must be {version: 1, name: FILE NAME, sql: STATEMENTS}, all known beforehand and none empty"
            failures.append(CheckFailure(f"migrations[{index}]", reason))
            continue
        checksum = checksum_of(sql)
        texts[checksum] = sql
        migrations.append(Version(version, name, checksum).properties())
    if not failures:
        numbers = [migration["version"] for migration in migrations]
        failures = [CheckFailure("migrations", error) for error in numbering_errors(numbers)]
    return migrations, failures


def _security_failures(security: Value) -> list[CheckFailure]:
    if security is None or security is UNKNOWN:
        return []
    if not isinstance(security, Mapping):
        return [CheckFailure("rowLevelSecurity", "must hold column, setting, tenantId and roles")]
    failures = []
    column, setting, tenant, roles = (security.get(key) for key in ("column", "setting", "tenantId", "roles"))
    if column is not UNKNOWN and not (isinstance(column, str) and column):
        failures.append(CheckFailure("rowLevelSecurity.column", "must be the tenant column's name"))
    if setting is not UNKNOWN and not (isinstance(setting, str) and SETTING.fullmatch(setting)):
        reason = "must be a setting with a prefix, such as app.current_tenant"
        failures.append(CheckFailure("rowLevelSecurity.setting", reason))
    if tenant is not UNKNOWN and not _is_uuid(tenant):
        failures.append(CheckFailure("rowLevelSecurity.tenantId", f"must be a UUID, not {tenant!r}"))
    if not contains_unknown(roles) and not (
        isinstance(roles, list) and roles and all(isinstance(role, str) and role for role in roles)
    ):
        failures.append(CheckFailure("rowLevelSecurity.roles", "must name the roles that may see rows"))
    return failures


def _changes_refused(old: Properties, new: Properties) -> list[CheckFailure]:
    """Changes that would leave data behind, show it to another tenant, or rewrite history."""
    failures = []
    for key in ("schema", "database"):
        if new[key] is not UNKNOWN and old.get(key) != new[key]:
            reason = (
                f"can't change from {old.get(key)} to {new[key]}: the data would stay behind. Put it back; a copy "
                "elsewhere is a resource of its own"
            )
            failures.append(CheckFailure(key, reason))
    tenants = [_tenant_of(properties.get("rowLevelSecurity")) for properties in (old, new)]
    if None not in tenants and UNKNOWN not in tenants and UUID(tenants[0]) != UUID(tenants[1]):
        reason = f"can't change from {tenants[0]} to {tenants[1]}: the rows belong to the former. Put it back"
        failures.append(CheckFailure("rowLevelSecurity.tenantId", reason))
    applied, wanted = ([Version.from_properties(item) for item in side["migrations"]] for side in (old, new))
    failures += [CheckFailure("migrations", problem) for problem in contradictions(applied, wanted)]
    return failures


def _tenant_of(security: Value) -> Value:
    return security.get("tenantId") if isinstance(security, Mapping) else None


def _is_uuid(value: Value) -> bool:
    try:
        UUID(value)
    except (ValueError, AttributeError, TypeError):
        return False
    return True
