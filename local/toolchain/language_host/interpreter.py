"""Which Python runs a program: the ``runtime.options`` of Pulumi.yaml, PulumiPlugin.yaml and PulumiPolicy.yaml."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Both mean the same here, a virtual environment; "uv" keeps it in .venv when no other is named.
TOOLCHAINS = ("pip", "uv")


class OptionsError(ValueError):
    """The runtime's options name something that isn't there or isn't known."""


@dataclass(frozen=True)
class Interpreter:
    """A Python and the virtual environment that it belongs to (None: the host's own Python or the user's choice)."""

    python: Path
    virtualenv: Path | None

    @classmethod
    def of(cls, options: Mapping[str, object], root: Path) -> Interpreter:
        """The interpreter that ``options`` ask for; a relative ``virtualenv`` counts from ``root``.

        Without the option it is ``PULUMI_PYTHON_CMD``, else the Python that runs this host. Raises ``OptionsError``.
        """
        toolchain = str(options.get("toolchain") or "pip")
        if toolchain not in TOOLCHAINS:
            raise OptionsError(
                f"runtime option toolchain: {toolchain!r} is not supported; use {' or '.join(TOOLCHAINS)}"
            )
        if options.get("typechecker"):
            raise OptionsError("runtime option typechecker is not supported here; run mypy before pulumi instead")
        named = str(options.get("virtualenv") or (".venv" if toolchain == "uv" else ""))
        if not named:
            return cls(Path(os.environ.get("PULUMI_PYTHON_CMD") or sys.executable), None)
        virtualenv = root / named
        python = virtualenv / "bin" / "python"
        if not python.exists():
            raise OptionsError(
                f"runtime option virtualenv: {virtualenv} is not a virtual environment. Create it with\n"
                f"    python3 -m venv {virtualenv}\n"
                f"and install the program's packages into it, or run `pulumi install`"
            )
        return cls(python, virtualenv)

    def activate(self, environment: Mapping[str, str]) -> dict[str, str]:
        """``environment`` as a shell has it after activating the virtual environment."""
        activated = dict(environment)
        if self.virtualenv is not None:
            activated.pop("PYTHONHOME", None)
            activated["VIRTUAL_ENV"] = str(self.virtualenv)
            activated["PATH"] = f"{self.virtualenv / 'bin'}{os.pathsep}{environment.get('PATH', os.defpath)}"
        return activated

    def site_packages(self) -> list[Path]:
        """Where its packages are installed, found without starting it."""
        if self.virtualenv is not None:
            return sorted(self.virtualenv.glob("lib/python3*/site-packages"))
        if self.python == Path(sys.executable):
            return [Path(sysconfig.get_path("purelib"))]
        return sorted(self.python.resolve().parent.parent.glob("lib/python3*/site-packages"))
