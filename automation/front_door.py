"""A sandbox's tenants are made known to its auth service, with an owner and an API key each, so that they can be
called at once. Elsewhere owners come by signup and this does nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from automation.errors import FoundationError
from automation.project import Project
from automation.running import Tell
from local.files import write_private
from local.kubernetes.api import ClusterApi
from local.parts import pods
from local.ports import LOOPBACK
from models import names
from models.loading import Environment
from models.tenant import Status, Tenant

PROJECT = Path(__file__).resolve().parents[1]
# Traefik takes changes up within 2 s, the auth service starts with the first request.
OPENS_WITHIN = 60.0
REQUEST_SECONDS = 30.0
SCOPES = ["*:read", "*:write"]


@dataclass(frozen=True)
class FrontDoor:
    """The sandbox's Traefik, by tenants' hosts; one curl configuration a tenant holds its key."""

    project: Project
    environment: Environment

    @property
    def port(self) -> int:
        """Where Traefik listens."""
        return int(json.loads(self.project.directory.sandbox_file.read_text())["ports"]["traefik"])

    @property
    def certificate(self) -> Path:
        """What browsers and curl are told to trust."""
        return pods(self.project.directory).certificate

    def url(self, slug: str) -> str:
        """A tenant's address on this machine."""
        return f"https://{names.host(slug, self.environment.settings.domain)}:{self.port}"

    def curl_file(self, slug: str) -> Path:
        """Certificate and key for ``curl --config``: no secret stands in a command."""
        return self._folder / f"{slug}.curl"

    def callable_tenants(self) -> Iterator[str]:
        """Tenants that there is a key for."""
        return (tenant.slug for tenant in self.environment.tenants if self.curl_file(tenant.slug).exists())

    def open(self, tell: Tell) -> None:
        """Make known what isn't yet. Raises ``FoundationError``."""
        registrations = [self._registration(tenant) for tenant in self.environment.tenants]
        digest = hashlib.sha256(json.dumps(registrations).encode()).hexdigest()
        done = self._folder / "registered"
        served = [tenant for tenant in self.environment.tenants if tenant.status is Status.ACTIVE]
        if not done.exists() or done.read_text() != digest:
            tell("making the tenants known to the auth service")
            self._register(registrations)
            write_private(done, digest)
        for tenant in served:
            if not self.curl_file(tenant.slug).exists():
                self._make_key(tenant)

    @property
    def _folder(self) -> Path:
        return self.project.directory.sandbox / f"tenants-{self.environment.name}"

    def _password(self, slug: str) -> str:
        file = self._folder / f"{slug}.password"
        if not file.exists():
            write_private(file, secrets.token_urlsafe(18))
        return file.read_text()

    def _registration(self, tenant: Tenant) -> dict[str, Any]:
        return {
            "id": str(tenant.id),
            "slug": tenant.slug,
            "tier": tenant.plan,
            "status": tenant.status.value,
            # Nobody here owns a domain, so nobody has to prove one.
            "domains": list(tenant.domains),
            "owner": {"email": tenant.admin_email, "password": self._password(tenant.slug)},
        }

    def _register(self, registrations: list[dict[str, Any]]) -> None:
        settings = self.environment.settings
        api = ClusterApi(self.project.directory.kubeconfig)
        try:
            secret = api.get(f"/api/v1/namespaces/{settings.platform_namespace}/secrets/auth-service")
        finally:
            api.close()
        if secret is None:
            raise FoundationError("the auth service has no Secret", next_step="foundation up")
        login = {key.upper(): base64.b64decode(value).decode() for key, value in secret["data"].items()}
        done = subprocess.run(
            [sys.executable, "-m", "services.auth", "register-tenants", "-"],
            cwd=PROJECT,
            env={**os.environ, **login, "AUTH_DOMAIN": settings.domain, "AUTH_KEY_KIND": settings.auth.key_kind},
            input=json.dumps(registrations),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise FoundationError("the tenants couldn't be made known to the auth service", problems=[done.stderr])

    def _make_key(self, tenant: Tenant) -> None:
        login = {"email": tenant.admin_email, "password": self._password(tenant.slug)}
        token = self._post(tenant.slug, "/auth/login", login)["token"]
        key = self._post(tenant.slug, "/api/keys", {"name": "sandbox", "scopes": SCOPES}, token)["key"]
        lines = (f'cacert = "{self.certificate}"', f'header = "Authorization: Bearer {key}"', "silent")
        write_private(self.curl_file(tenant.slug), "\n".join(lines) + "\n")

    def _post(self, slug: str, path: str, body: dict[str, Any], token: str | None = None) -> Any:
        host = names.host(slug, self.environment.settings.domain)
        pool = urllib3.HTTPSConnectionPool(
            LOOPBACK, self.port, ca_certs=str(self.certificate), server_hostname=host, assert_hostname=host
        )
        headers = {"Host": f"{host}:{self.port}", "Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"

        def ask() -> urllib3.BaseHTTPResponse | None:
            try:
                answer = pool.request(
                    "POST", path, body=json.dumps(body), headers=headers, retries=False, timeout=REQUEST_SECONDS
                )
            except urllib3.exceptions.HTTPError:
                return None
            return answer if answer.status < 300 else None

        try:
            answer = Retrying(
                retry=retry_if_result(lambda found: found is None),
                stop=stop_after_delay(OPENS_WITHIN),
                wait=wait_fixed(0.2),
            )(ask)
        except RetryError:
            raise FoundationError(
                f"{self.url(slug)}{path} didn't answer within {OPENS_WITHIN:.0f} s",
                next_step="look into the logs in .foundation/sandbox/logs, then run the same command again",
            ) from None
        finally:
            pool.close()
        assert answer is not None, "what is None is asked again"
        return answer.json()


def front_door(project: Project, environment: Environment) -> FrontDoor | None:
    """The environment's front door on this machine, if it has one."""
    here = project.is_local and environment.settings.gateway.redis.url_file is not None
    return FrontDoor(project, environment) if here else None
