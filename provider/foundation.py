"""The provider plugin ``foundation``: what no published provider does."""

from __future__ import annotations

import json

from provider.hetzner.address_plan import AddressPlan
from provider.hetzner.server_type_choice import ServerTypeChoice
from provider.kubernetes.api_ready import ApiReady
from provider.pki.authority import CertificateAuthority
from provider.pki.client_certificate import ClientCertificate
from provider.pki.private_key import PrivateKey
from provider.plugin import CheckFailure, CheckResult, Plugin, Properties
from provider.postgres.role_settings import RoleSettings
from provider.postgres.schema_migrations import SchemaMigrations
from provider.postgres.server import Server
from provider.tenancy.registry import Registry

SETTINGS = ("host", "port", "username", "password", "database", "sslmode")


class Foundation(Plugin[Server]):
    """Configured for one PostgreSQL server, with pulumi-postgresql's names for the settings."""

    name = "foundation"
    version = "0.1.0"
    types = {
        "foundation:kubernetes:ApiReady": ApiReady(),
        "foundation:pki:CertificateAuthority": CertificateAuthority(),
        "foundation:pki:ClientCertificate": ClientCertificate(),
        "foundation:pki:PrivateKey": PrivateKey(),
        "foundation:postgres:SchemaMigrations": SchemaMigrations(),
        "foundation:postgres:RoleSettings": RoleSettings(),
        "foundation:tenancy:Registry": Registry(),
        "foundation:hetzner:AddressPlan": AddressPlan(),
        "foundation:hetzner:ServerTypeChoice": ServerTypeChoice(),
    }

    def check_config(self, old: Properties | None, new: Properties) -> CheckResult:
        # The project is named as the plugin is, so the engine hands the default provider all of the project's
        # configuration. What isn't a setting of the plugin stays out of its state.
        known = {*SETTINGS, "version", "pluginDownloadURL", "__internal"}
        settings = {key: value for key, value in new.items() if key in known}
        failures = []
        port = new.get("port")
        if isinstance(port, str) and not (port.isdecimal() and 0 < int(port) < 65536):
            failures.append(CheckFailure("port", f"{port!r} is no TCP port: give 1 to 65535"))
        return CheckResult(settings, failures)

    def configure(self, inputs: Properties) -> Server:
        return Server.from_settings(inputs)

    def schema(self) -> str:
        resources = {token: {"isComponent": False} for token in self.types}
        return json.dumps({"name": self.name, "version": self.version, "resources": resources})
