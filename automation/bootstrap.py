"""`make setup`: a virtual environment with exactly the locked packages, hashes checked.

Runs on the system's Python with nothing but the standard library, as root or not, and does nothing when the lock and
the interpreter are those of the last run.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
ENVIRONMENT = PROJECT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
UV = ENVIRONMENT / "bin" / "uv"
UV_LOCK = PROJECT / "requirements-setup.lock"
LOCK = PROJECT / "requirements.lock"
STAMP = ENVIRONMENT / "foundation-setup"
OLDEST_PYTHON = (3, 11)

# uv reads its own settings only; someone whose mirror is written in pip's must not write it twice.
UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
    "trusted-host": "UV_INSECURE_HOST",
}
PIP_SETTING = re.compile(r"^(?:global|install|:env:)\.([a-z-]+)='(.*)'$")


def main() -> int:
    if sys.version_info < OLDEST_PYTHON:
        return _fail(
            f"Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer is needed; this is {sys.version.split()[0]}",
            "install a newer one and name it: make setup PYTHON=python3.12",
        )
    wanted = _fingerprint()
    if STAMP.is_file() and STAMP.read_text() == wanted:
        return 0
    print("setting up .venv with the locked packages", flush=True)
    try:
        if not PYTHON.exists():
            # Without pip: Debian keeps ensurepip in a package of its own, and uv needs no pip inside.
            venv.EnvBuilder(with_pip=False, symlinks=True, clear=ENVIRONMENT.exists()).create(ENVIRONMENT)
        uv = _uv()
        if uv is None:
            return _fail(
                "neither pip nor uv is there to install packages with",
                "install one: `apt-get install python3-pip`, `python3 -m ensurepip --user` or `uv` itself",
            )
        environment = os.environ | _uv_settings()
        install = [str(uv), "pip"]
        _run(
            [*install, "sync", "--quiet", "--require-hashes", "--python", str(PYTHON), str(UV_LOCK), str(LOCK)],
            environment,
        )
        _run(
            [
                *install,
                "install",
                "--quiet",
                "--no-deps",
                "--no-build-isolation",
                "--python",
                str(PYTHON),
                "-e",
                str(PROJECT),
            ],
            environment,
        )
        STAMP.write_text(wanted)
    except OSError as error:
        return _fail(
            str(error), "the clone must lie in a folder of yours with room for 2 GB: put that right, or move it"
        )
    except subprocess.CalledProcessError as error:
        return _fail(
            f"`{' '.join(map(str, error.cmd[:3]))} ...` ended with exit code {error.returncode}",
            "check that the package index of pip or uv answers (`python3 -m pip config list`), then run it again",
        )
    return 0


def _fingerprint() -> str:
    """What the environment depends on: the locks, the project's metadata, the interpreter and the place."""
    digest = hashlib.sha256()
    for file in (UV_LOCK, LOCK, PROJECT / "pyproject.toml"):
        digest.update(file.read_bytes())
    digest.update(f"{sys.version}\n{ENVIRONMENT}".encode())
    return digest.hexdigest()


def _uv() -> Path | None:
    """The locked uv, installed by the system's pip with its hash checked; else a uv that is on PATH."""
    if UV.exists():
        return UV
    for pip in ([sys.executable, "-m", "pip"], [str(PYTHON), "-m", "pip"]):
        if pip[0] == str(PYTHON):
            # The system's pip is missing: perhaps its wheel isn't.
            subprocess.run([str(PYTHON), "-m", "ensurepip"], check=False, capture_output=True)
        found = subprocess.run([*pip, "--version"], check=False, capture_output=True).returncode == 0
        if found:
            install = [*pip, "--python", str(PYTHON), "install", "--quiet", "--disable-pip-version-check"]
            _run([*install, "--require-hashes", "--only-binary", ":all:", "-r", str(UV_LOCK)], dict(os.environ))
            return UV
    on_path = shutil.which("uv")
    return Path(on_path) if on_path else None


def _uv_settings() -> dict[str, str]:
    """pip's index, mirror and certificate settings under uv's names, where uv has none of its own."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=False, capture_output=True, text=True
    ).stdout
    settings = {}
    for line in listing.splitlines():
        match = PIP_SETTING.match(line)
        if match and (name := UV_NAMES.get(match[1])) and name not in os.environ:
            settings[name] = match[2].replace("\\n", " ").strip()
    return settings


def _run(command: list[str], environment: dict[str, str]) -> None:
    subprocess.run(command, check=True, env=environment, cwd=PROJECT)


def _fail(what: str, next_step: str) -> int:
    print(f"make setup: {what}.\nNext step: {next_step}.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
