"""The running environment as its tenants and its administrator see it."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from typing import Any

import psycopg
from kubernetes import client, config
from psycopg.conninfo import make_conninfo

from components.postgres.platform import tenants_of
from local.directory import FoundationDirectory
from models import names
from models.tenant import Tenant


@dataclass(frozen=True)
class World:
    """Environment ``local`` with its tenants, up and running."""

    directory: FoundationDirectory
    tenants: dict[str, Tenant]
    database: str

    @property
    def auth_database(self) -> str:
        """The central auth database beside the tenants' one."""
        return self.database.replace("foundation", "auth", 1)

    @property
    def shared_role(self) -> str:
        """The role that every tenant's role is a member of."""
        return tenants_of(self.database)

    def tenant(self, slug: str) -> Tenant:
        return self.tenants[slug]

    def login(self, slug: str, database: str | None = None) -> psycopg.Connection:
        """A connection as the tenant's own role, with the password of the tenant's Secret."""
        secret = self.core().read_namespaced_secret(names.secret(slug), names.namespace(slug))
        password = base64.b64decode(secret.data["db_password"]).decode()
        login = {"dbname": database or self.database, "user": names.database_role(slug), "password": password}
        return psycopg.connect(make_conninfo("", **(self._service() | login)))

    def administrator(self) -> psycopg.Connection:
        return psycopg.connect(make_conninfo("", **(self._service() | {"dbname": self.database})))

    def owner_of(self, schema: str) -> str:
        with self.administrator() as connection:
            row = connection.execute(
                "SELECT r.rolname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                " JOIN pg_roles r ON r.oid = c.relowner WHERE n.nspname = %s AND c.relname = 'tasks'",
                [schema],
            ).fetchone()
        assert row is not None
        return str(row[0])

    def libpq_environment(self) -> dict[str, str]:
        """Variables by which a libpq program logs in as the administrator; the password stays in its file."""
        os.environ["PGSERVICEFILE"] = str(self.directory.pg_service_file)
        return {**os.environ, "DATABASE_URL": f"postgresql:///{self.database}?service=local"}

    def core(self) -> Any:
        return client.CoreV1Api(self.api())

    def api(self) -> Any:
        return config.new_client_from_config(config_file=str(self.directory.kubeconfig))

    def network_policies(self) -> list[dict[str, Any]]:
        """Every NetworkPolicy in the cluster, as the API server has it."""
        api = self.api()
        found = client.NetworkingV1Api(api).list_network_policy_for_all_namespaces().items
        return [api.sanitize_for_serialization(policy) for policy in found]

    def pod_labels(self, namespace: str) -> list[dict[str, str]]:
        return [pod.metadata.labels for pod in self.core().list_namespaced_pod(namespace).items]

    def _service(self) -> dict[str, str]:
        # psycopg passes these on to libpq, which reads host, port and password from the service file.
        os.environ["PGSERVICEFILE"] = str(self.directory.pg_service_file)
        return {"service": "local"}
