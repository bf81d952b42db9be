"""Where everything of a local environment lives on disk, and nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT_VARIABLE = "FOUNDATION_DIR"
DEFAULT_NAME = ".foundation"

# State, passwords and kubeconfigs live here: nobody but the owner may look.
OWNER_ONLY = 0o700


@dataclass(frozen=True)
class FoundationDirectory:
    """The folder that holds a local environment: engine home, state, servers, endpoints.

    Several sandboxes run side by side by giving each its own folder. ``find`` creates the folder with mode 0700;
    the properties only name paths.
    """

    root: Path

    @classmethod
    def find(cls, project: Path) -> FoundationDirectory:
        """The folder that ``FOUNDATION_DIR`` names (relative to the working directory), else ``.foundation`` in
        ``project``; created when missing.

        Raises ``NotADirectoryError`` when a file is in its place.
        """
        named = os.environ.get(ENVIRONMENT_VARIABLE)
        root = Path(named).expanduser() if named else project / DEFAULT_NAME
        return cls(root.resolve()).create()

    def create(self) -> FoundationDirectory:
        """Make the folder, readable by its owner only, and return itself."""
        if self.root.exists() and not self.root.is_dir():
            raise NotADirectoryError(
                f"{self.root} is a file; {ENVIRONMENT_VARIABLE} must name a folder (default: {DEFAULT_NAME})"
            )
        self.root.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
        self.root.chmod(OWNER_ONLY)
        return self

    @property
    def pulumi_home(self) -> Path:
        """``PULUMI_HOME``: the engine's plugins and credentials."""
        return self.root / "pulumi"

    @property
    def state(self) -> Path:
        """The file backend that holds the stacks' states."""
        return self.root / "state"

    @property
    def passphrase(self) -> Path:
        """File with the passphrase of the local stacks' secrets."""
        return self.root / "passphrase"

    @property
    def bin(self) -> Path:
        """Executables put in front of ``PATH``."""
        return self.root / "bin"

    @property
    def sandbox(self) -> Path:
        """Data, logs and pids of the sandbox's servers."""
        return self.root / "sandbox"

    @property
    def sandbox_file(self) -> Path:
        """Endpoints of the running sandbox (JSON)."""
        return self.root / "sandbox.json"

    @property
    def kubeconfig(self) -> Path:
        """Kubeconfig of the sandbox's cluster."""
        return self.root / "kubeconfig"

    @property
    def pg_service_file(self) -> Path:
        """libpq service file; service ``local`` is the superuser on database postgres."""
        return self.root / "pg_service.conf"

    @property
    def hetzner_file(self) -> Path:
        """Endpoint and token of the sandbox's Hetzner Cloud API (JSON)."""
        return self.root / "hetzner.json"

    @property
    def redis_url_file(self) -> Path:
        """URL of the sandbox's Redis with the rate limiter's user and password; one line."""
        return self.root / "redis_url"
