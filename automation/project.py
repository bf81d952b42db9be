"""The project folder, one of its environments, and where that environment's files live."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from automation.errors import BadInput

if TYPE_CHECKING:
    from local.directory import FoundationDirectory
    from models.loading import Environment

PROJECT_FILE = "Pulumi.yaml"
LOCAL = "local"


@dataclass(frozen=True)
class Project:
    """One environment of the project in ``folder``; the environment's name is the stack's."""

    folder: Path
    environment: str
    directory: FoundationDirectory

    @classmethod
    def find(cls, environment: str = LOCAL, start: Path | None = None) -> Project:
        """The project that ``start`` (default: the working directory) lies in.

        Raises ``BadInput`` when no folder above holds ``Pulumi.yaml`` or when the environment has no settings file.
        """
        from local.directory import FoundationDirectory

        here = (start or Path.cwd()).resolve()
        folder = next((parent for parent in (here, *here.parents) if (parent / PROJECT_FILE).is_file()), None)
        if folder is None:
            raise BadInput(
                f"{here} is in no Foundation project: no folder above it holds {PROJECT_FILE}",
                next_step="change to the project's folder, or name it: foundation --project FOLDER ...",
            )
        project = cls(folder, environment, FoundationDirectory.find(folder))
        if not project.settings_file.is_file():
            raise BadInput(
                f"there is no environment {environment!r}: {project.settings_file.name} is missing in {folder}",
                next_step=f"use one of: {', '.join(project.environments()) or 'none yet'}",
            )
        return project

    @property
    def is_local(self) -> bool:
        """Whether the environment runs in a sandbox on this machine; its name says so."""
        return self.environment == LOCAL or self.environment.startswith(f"{LOCAL}-")

    @property
    def settings_file(self) -> Path:
        """``Pulumi.<environment>.yaml``."""
        return self.folder / f"Pulumi.{self.environment}.yaml"

    @property
    def tenants_folder(self) -> Path:
        """The folder with one YAML file for each tenant."""
        return self.folder / "tenants" / self.environment

    @property
    def policies(self) -> tuple[Path, ...]:
        """The policy packs that every preview and update runs."""
        pack = self.folder / "policies"
        return (pack,) if (pack / "PulumiPolicy.yaml").is_file() else ()

    @property
    def backups(self) -> Path:
        """Final backups of tenants that were removed. Those of a shared environment lie beside ``.foundation/``, for
        that goes with the local environment."""
        return self.directory.root / "backups" if self.is_local else self.folder / "backups" / self.environment

    def environments(self) -> list[str]:
        """The environments that have a settings file."""
        files = self.folder.glob("Pulumi.*.yaml")
        return sorted(file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in files)

    def load(self) -> Environment:
        """The environment as its YAML files say. Raises ``BadInput`` with every problem found in them."""
        from models.loading import InvalidInput, load_environment

        try:
            return load_environment(self.folder, self.environment)
        except InvalidInput as error:
            problems = [str(problem) for problem in error.problems]
            count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
            raise BadInput(
                f"{count} in the files of environment {self.environment}; nothing was touched",
                problems=problems,
                next_step="mend them and run the same command again",
            ) from error
