"""A project folder to write good and bad files into."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from models.loading import Environment, InvalidInput, load_environment

SETTINGS = """\
config:
  foundation:environment:
    domain: example.test
    region: local
    products: [foundation-cloud]
    kubernetes:
      kubeconfig: kubeconfig
      cluster_identifier: test
    postgresql:
      service_file: pg_service.conf
      service: local
      pooler_host: pgbouncer.foundation.svc
    shared_secrets:
      shared_anthropic_key: {generate: 48}
      shared_discord_token: {generate: 48}
"""


def tenant(slug: str = "bob", plan: str = "pro", number: int = 2) -> str:
    """A good file of seven lines."""
    return f"""\
api_version: foundation/v1
product: foundation-cloud
slug: {slug}
id: 5b0b7d5e-6c1b-4a53-9c39-0d6a4f3d1a{number:02}
display_name: {slug.title()}
plan: {plan}
admin_email: {slug}@example.com
"""


ENTERPRISE = (
    tenant(plan="enterprise") + "overrides: {requests_per_minute: 900}\nsecrets: {anthropic_key: {config: bob}}\n"
)
"""A good file of nine lines."""


@dataclass(frozen=True)
class Folder:
    """A project's files."""

    root: Path

    def settings(self, text: str, environment: str = "local") -> None:
        (self.root / f"Pulumi.{environment}.yaml").write_text(text)

    def tenant(self, text: str, slug: str = "bob", environment: str = "local") -> None:
        (self.tenants(environment) / f"{slug}.yaml").write_text(text)

    def tenants(self, environment: str = "local") -> Path:
        folder = self.root / "tenants" / environment
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def load(self, environment: str = "local") -> Environment:
        return load_environment(self.root, environment)

    def problems(self, environment: str = "local") -> list[str]:
        """What is wrong, a line each."""
        with pytest.raises(InvalidInput) as caught:
            self.load(environment)
        lines = str(caught.value).splitlines()
        assert len(lines) == 1 + len(caught.value.problems)
        return lines[1:]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A project with settings and no tenants."""
    project = Folder(tmp_path)
    project.settings(SETTINGS)
    project.tenants()
    return project
