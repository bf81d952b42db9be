"""Planted secrets appear nowhere in clear: not in output, diffs, errors, state, history, logs or process arguments."""

from __future__ import annotations

import base64
import gzip
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from kubernetes import client

from models import names
from tests.scratch import ScratchProject
from tests.secrets.watch import ArgumentWatch

Projects = Callable[..., ScratchProject]

# Long ones have groups: those begin first.
pytestmark = pytest.mark.xdist_group("planted")


@dataclass
class Haystack:
    """Everything that anybody could look at."""

    project: ScratchProject
    texts: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, expect: int = 0) -> None:
        done = self.project.cli(*arguments, expect=expect)
        self.texts[f"$ foundation {' '.join(arguments)} #{len(self.texts)}"] = done.stdout + done.stderr

    def shell(self, script: str, expect: int = 0) -> None:
        done = self.project.shell(script, expect=expect)
        self.texts[f"$ {script} #{len(self.texts)}"] = done.stdout + done.stderr

    def add_files(self) -> None:
        """The state with its backups and history, the servers' logs, the project's own files."""
        root = self.project.directory.root
        logs = (root / "sandbox" / "logs").glob("*")
        for file in (*(root / "state").rglob("*"), *logs, *self.project.folder.glob("*.yaml")):
            if file.is_file():
                self.texts[str(file)] = _content(file)

    def holding(self, needle: str) -> list[str]:
        """Where ``needle`` stands, as it is or in base64."""
        forms = (needle, base64.b64encode(needle.encode()).decode().rstrip("="))
        return [place for place, text in self.texts.items() if any(form in text for form in forms)]


def _content(file: Path) -> str:
    data = file.read_bytes()
    return (gzip.decompress(data) if file.suffix == ".gz" else data).decode(errors="replace")


@pytest.fixture
def haystack(project: Projects) -> Haystack:
    return Haystack(project())


def _plant(project: ScratchProject, key: str, value: str) -> None:
    # By standard input, as `pulumi config set` itself advises: what is typed as an argument is seen by all.
    source = project.folder / "planted"
    source.write_text(value)
    project.shell(f"pulumi config set --secret {key} --stack {project.environment} < {source}")
    source.unlink()


def _password(project: ScratchProject, slug: str) -> str:
    with project.kubernetes() as api:
        secret = client.CoreV1Api(api).read_namespaced_secret(names.secret(slug), names.namespace(slug))
    return base64.b64decode(secret.data["db_password"]).decode()


def test_planted_secrets_appear_nowhere(haystack: Haystack) -> None:
    project = haystack.project
    first, second = (f"planted{secrets.token_hex(16)}" for _ in range(2))
    slug = project.add_tenant("acme", "pro", secrets={"anthropic_key": {"config": "acmeKey"}})
    stack = f"--stack {project.environment}"

    project.cli("sandbox", "start")
    project.shell(f"pulumi stack init {project.environment}")
    _plant(project, "acmeKey", first)
    with ArgumentWatch() as watch:
        haystack.run("up", "--diff")
        password = _password(project, slug)
        # A changed secret shows a diff; a changed Secret rolls the pods by a checksum that tells nothing.
        _plant(project, "acmeKey", second)
        haystack.run("preview", "--diff")
        assert "kubernetes:core/v1:Secret" in list(haystack.texts.values())[-1]
        haystack.shell(f"pulumi up {stack} --yes --diff --policy-pack policies")
        # Drift in what is secret, and its way back.
        with project.kubernetes() as api:
            body = {"stringData": {"anthropic_key": f"{second}-by-hand"}}
            client.CoreV1Api(api).patch_namespaced_secret(names.secret(slug), names.namespace(slug), body)
        haystack.run("refresh")
        haystack.run("up", "--json")
        haystack.shell(f"pulumi stack {stack} --show-urns && pulumi stack output {stack} && pulumi config {stack}")
        haystack.run("tenants", "show", slug)
        haystack.run("doctor")
    haystack.add_files()

    with project.kubernetes() as api:
        live = client.CoreV1Api(api).read_namespaced_secret(names.secret(slug), names.namespace(slug))
        deployment = client.AppsV1Api(api).read_namespaced_deployment(
            names.workload("seldon", slug), names.namespace(slug)
        )
    # They did arrive where they belong, else their absence would prove nothing.
    assert base64.b64decode(live.data["anthropic_key"]).decode() == second
    haystack.texts["the Deployment"] = str(deployment)
    haystack.texts["process arguments"] = "\n".join(watch.seen)
    assert len(watch.seen) > 10
    assert len(haystack.texts) > 15
    found = {name: haystack.holding(value) for name, value in (("1", first), ("2", second), ("db", password))}
    assert found == {"1": [], "2": [], "db": []}


def test_a_refused_password_is_not_shown(haystack: Haystack) -> None:
    project = haystack.project
    project.add_tenant("acme")
    lines = (line.partition("=") for line in project.directory.pg_service_file.read_text().splitlines())
    service = {key: value for key, _, value in lines}
    project.write_settings(
        postgresql={
            "host": service["host"],
            "port": int(service["port"]),
            "username": service["user"],
            "password": {"config": "databasePassword"},
            "sslmode": "disable",
            "database": project.database,
            "auth_database": f"auth_{project.id}",
            "auth_extensions": [],
            "pooler_host": "pgbouncer.foundation.svc.cluster.local",
        }
    )
    wrong = f"planted{secrets.token_hex(16)}"
    project.shell(f"pulumi stack init {project.environment}")
    _plant(project, "databasePassword", wrong)
    with ArgumentWatch() as watch:
        haystack.run("up", expect=1)
    assert "password authentication failed" in "".join(haystack.texts.values())
    haystack.add_files()
    haystack.texts["process arguments"] = "\n".join(watch.seen)
    assert haystack.holding(wrong) == []
