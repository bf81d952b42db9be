"""Stored states: what an earlier version of the components left in the state for the three sample tenants.

Each folder of ``stored/`` is named by the version that made it, and holds the tenants' files as they were and the
state as ``pulumi stack export`` gives it: secrets as ciphertext, of the local passphrase and of random values.
``python -m tests.upgrade`` stores today's; it is run once for each release.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from local.directory import FoundationDirectory
from tests.scratch import ROOT, ScratchProject

STORED = Path(__file__).parent / "stored"
RELEASES = sorted(
    (folder.name for folder in STORED.iterdir()), key=lambda release: [int(part) for part in release.split(".")]
)
NEWEST = RELEASES[-1]
SAMPLES = ROOT / "tenants" / "local"
ID = "upgrade"
# Where and when the program ran: nothing that an update looks at.
TOLD_OF_THE_MACHINE = ("sourcePosition", "stackTrace", "created", "modified")
# What differs from machine to machine stands in stored states as this text or this port.
DIRECTORY = "FOUNDATION_DIR"
PORT = "5432"
SERVICE = f"[local]\nhost=127.0.0.1\nport={PORT}\nuser=postgres\npassword=unused\ndbname=postgres\nsslmode=prefer\n"
"""No server listens for it: a preview compares inputs with the state and needs none."""
CLUSTER = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "local",
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "local"}}],
        # Port 1 is no API server's: without one, differences are computed from what the state recorded.
        "clusters": [{"name": "local", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "local", "user": {}}],
    }
)


def project(folder: Path, tenants: Path) -> ScratchProject:
    """A project in ``folder`` with the tenants' files of the folder ``tenants`` and a local folder of its own."""
    directory = FoundationDirectory(folder / ".foundation").create()
    made = ScratchProject(folder / "project", ID, directory)
    made.fill()
    shutil.copytree(tenants, made.tenants, dirs_exist_ok=True)
    return made


def store(made: ScratchProject, version: str) -> Path:
    """Write the state of ``made``, which is up, and its tenants to the folder of ``version``, which is returned."""
    exported = json.loads(made.shell(f"pulumi stack export --stack {made.environment}").stdout)
    for resource in exported["deployment"]["resources"]:
        for told in TOLD_OF_THE_MACHINE:
            resource.pop(told, None)
        if resource["type"].startswith("pulumi:providers:"):
            for side in (resource.get("inputs", {}), resource.get("outputs", {})):
                if "port" in side:
                    side["port"] = PORT
    target = STORED / version
    shutil.copytree(made.tenants, target / "tenants", dirs_exist_ok=True)
    text = json.dumps(exported, indent=1, ensure_ascii=False).replace(str(made.directory.root), DIRECTORY)
    (target / "state.json").write_text(text + "\n", encoding="utf-8")
    return target


def load(made: ScratchProject, version: str) -> dict[str, Any]:
    """The stored state, at home in the local folder of ``made``."""
    text = (STORED / version / "state.json").read_text(encoding="utf-8")
    state: dict[str, Any] = json.loads(text.replace(DIRECTORY, str(made.directory.root)))
    return state


def restore(made: ScratchProject, state: dict[str, Any]) -> None:
    """Make ``state`` the project's, with addresses at which nobody answers."""
    made.directory.pg_service_file.write_text(SERVICE)
    made.directory.kubeconfig.write_text(CLUSTER)
    file = made.folder / "state.json"
    file.write_text(json.dumps(state))
    made.shell(f"pulumi stack init {made.environment} && pulumi stack import --stack {made.environment} --file {file}")
