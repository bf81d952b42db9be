"""Getting Pulumi: the CLI, its Python language host and the provider plugins, official or made here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.toolchain.setup import CHOICE_VARIABLE, Part, Toolchain, ToolchainError, ensure, shell_exports

__all__ = ["CHOICE_VARIABLE", "Part", "Toolchain", "ToolchainError", "ensure", "shell_exports"]


def __getattr__(name: str) -> Any:
    # Imported when asked for: every plugin process imports this package and needs none of it.
    if name in __all__:
        from local.toolchain import setup

        return getattr(setup, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
