"""The plugin: its configuration and its resource types."""

from __future__ import annotations

import os

from local.toolchain.plugins.bridged import StandIn
from local.toolchain.plugins.postgresql.database import Database
from local.toolchain.plugins.postgresql.default_privileges import DefaultPrivileges
from local.toolchain.plugins.postgresql.extension import Extension
from local.toolchain.plugins.postgresql.grant import Grant
from local.toolchain.plugins.postgresql.grant_role import GrantRole
from local.toolchain.plugins.postgresql.role import Role
from local.toolchain.plugins.postgresql.schema import Schema
from provider.plugin import UNKNOWN, CheckFailure, CheckResult, InvalidInputs, Properties, reveal
from provider.postgres.server import DEFAULT_MAX_CONNECTIONS, Server

TYPES = {
    "Database": Database(),
    "DefaultPrivileges": DefaultPrivileges(),
    "Extension": Extension(),
    "Grant": Grant(),
    "GrantRole": GrantRole(),
    "Role": Role(),
    "Schema": Schema(),
}
NUMBERS = ("port", "connectTimeout", "maxConnections")
TEXTS = ("host", "database", "username", "password", "sslmode", "scheme", "expectedVersion", "databaseUsername")
# Of these the stand-in does nothing: they are for clouds and certificates.
ELSEWHERE = (
    "awsRdsIamAuth", "awsRdsIamProfile", "awsRdsIamProviderRoleArn", "awsRdsIamRegion", "azureIdentityAuth",
    "azureTenantId", "clientcert", "gcpIamImpersonateServiceAccount", "sslMode", "sslrootcert",
)  # fmt: skip
OF_THE_ENGINE = ("version", "pluginDownloadURL", "__internal", "__defaults")
# The published plugin's own default.
CONNECT_TIMEOUT_SECONDS = 180


class PostgresqlPlugin(StandIn[Server]):
    """Stands in for the pulumi-postgresql plugin that belongs to the installed SDK."""

    name = "postgresql"
    types = {f"postgresql:index/{name[0].lower()}{name[1:]}:{name}": kind for name, kind in TYPES.items()}

    def check_config(self, old: Properties | None, new: Properties) -> CheckResult:
        failures = []
        for key, value in reveal(new).items():
            if value is UNKNOWN or key in TEXTS or key in OF_THE_ENGINE:
                continue
            if key in NUMBERS:
                if not str(value).removeprefix("-").isdecimal() or int(value) < -1:
                    failures.append(CheckFailure(key, f"must be a whole number of at least -1, got {value}"))
            elif key == "superuser":
                if str(value).lower() not in ("true", "false"):
                    failures.append(CheckFailure(key, f"must be true or false, got {value}"))
            elif key in ELSEWHERE:
                failures.append(CheckFailure(key, "the stand-in has no such setting; use the published plugin for it"))
            else:
                failures.append(CheckFailure(key, "invalid or unknown key"))
        if reveal(new).get("scheme") not in (None, UNKNOWN, "postgres"):
            failures.append(CheckFailure("scheme", "the stand-in speaks to scheme postgres alone"))
        return CheckResult(new, failures)

    def configure(self, inputs: Properties) -> Server:
        failures = self.check_config(None, inputs).failures
        if failures:
            raise InvalidInputs("; ".join(f"{failure.property}: {failure.reason}" for failure in failures))
        known = {key: value for key, value in reveal(inputs).items() if value not in (None, "")}
        server = Server.from_settings(inputs)
        environment = os.environ.get
        return Server(
            host=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            database=server.database,
            sslmode=server.sslmode or environment("PGSSLMODE"),
            connect_timeout=int(
                known.get("connectTimeout") or environment("PGCONNECT_TIMEOUT") or CONNECT_TIMEOUT_SECONDS
            ),
            max_connections=max(int(known.get("maxConnections", DEFAULT_MAX_CONNECTIONS)), 1),
            superuser=str(known.get("superuser", environment("PGSUPERUSER", "true"))).lower() == "true",
        )
