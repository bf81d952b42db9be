"""The OpenAPI document is the application's own, and the application keeps to it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import services.auth
from services.auth.__main__ import app
from tests.services.auth.world import Replica, Tenant

pytestmark = pytest.mark.xdist_group("auth")

DOCUMENT = Path(services.auth.__file__).parent / "openapi.json"
EXAMPLES = 8


def test_document_is_current(tmp_path: Path) -> None:
    """`python -m services.auth openapi services/auth/openapi.json` writes it."""
    CliRunner().invoke(app, ["openapi", str(tmp_path / "now.json")])
    assert json.loads((tmp_path / "now.json").read_text()) == json.loads(DOCUMENT.read_text())


def test_document_is_served(auth: Replica) -> None:
    assert auth.client.get("/auth/openapi.json").json() == json.loads(DOCUMENT.read_text())


@pytest.mark.parametrize(
    ("role", "paths"),
    [
        ("owner", ["--exclude-path", "/auth/logout", "--exclude-path", "/auth/password"]),
        # They end the session that the other cases need.
        ("member", ["--include-path", "/auth/logout", "--include-path", "/auth/password"]),
    ],
)
def test_schemathesis_finds_nothing(auth: Replica, tenant: Tenant, tmp_path: Path, role: str, paths: list[str]) -> None:
    done = subprocess.run(
        [
            Path(sys.executable).with_name("st"), "run", DOCUMENT, "--url", str(auth.client.base_url),
            "-H", f"Authorization: Bearer {auth.token(tenant, role)}", "-H", f"X-Forwarded-Host: {tenant.host}",
            "--phases", "examples,fuzzing", "--max-examples", str(EXAMPLES), "--generation-deterministic", *paths,
            "--no-color", "--continue-on-failure",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_metrics_and_probes(auth: Replica, tenant: Tenant) -> None:
    assert auth.verify(auth.token(tenant), tenant.host).status_code == 200
    metrics = auth.client.get("/metrics", follow_redirects=True).text
    assert 'auth_decisions_total{status="200"}' in metrics
    assert auth.client.get("/health").status_code == auth.client.get("/ready").status_code == 200
    assert auth.client.get("/nothing").json() == {"error": "Not Found"}
