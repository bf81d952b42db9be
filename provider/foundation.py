"""The provider plugin ``foundation``: what no published provider does."""

from __future__ import annotations

import json

from provider.plugin import CheckFailure, CheckResult, Plugin, Properties
from provider.plugin.lazy import LazyTypes
from provider.postgres.server import Server

SETTINGS = ("host", "port", "username", "password", "database", "sslmode")


class Foundation(Plugin[Server]):
    """Configured for one PostgreSQL server, with pulumi-postgresql's names for the settings."""

    name = "foundation"
    version = "0.1.0"
    types = LazyTypes(
        {
            "foundation:gateway:DomainProof": "provider.gateway.domain_proof:DomainProof",
            "foundation:hetzner:AddressPlan": "provider.hetzner.address_plan:AddressPlan",
            "foundation:hetzner:FoundingServer": "provider.hetzner.founding_server:FoundingServer",
            "foundation:hetzner:ServerTypeChoice": "provider.hetzner.server_type_choice:ServerTypeChoice",
            "foundation:kubernetes:ApiReady": "provider.kubernetes.api_ready:ApiReady",
            "foundation:pki:CertificateAuthority": "provider.pki.authority:CertificateAuthority",
            "foundation:pki:ClientCertificate": "provider.pki.client_certificate:ClientCertificate",
            "foundation:pki:PrivateKey": "provider.pki.private_key:PrivateKey",
            "foundation:postgres:RoleSettings": "provider.postgres.role_settings:RoleSettings",
            "foundation:postgres:SchemaMigrations": "provider.postgres.schema_migrations:SchemaMigrations",
            "foundation:tenancy:Registry": "provider.tenancy.registry:Registry",
        }
    )

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
