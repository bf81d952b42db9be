"""The commands' frame: options common to all, and errors that end in one of the documented exit codes.

Nothing heavy is imported before a command runs, so that ``foundation --help`` answers at once.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from automation.errors import FoundationError

if TYPE_CHECKING:
    from automation.project import Project

OK, FAILED, BAD_INPUT = 0, 1, 2
INTERRUPTED = 130
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
EPILOG = "Exit codes: 0 done, 1 failed, 2 bad input (nothing touched), 3 busy, 4 refused by a policy or protection."


@dataclass
class Options:
    """What was given before the command."""

    environment: str
    project: Path | None
    json: bool = False

    def find(self) -> Project:
        """The project that the command works on."""
        from automation.project import Project

        return Project.find(self.environment, self.project)


class _Group(TyperGroup):
    """Ends with the exit code of the error, and tells it once: for people on stderr, for machines on stdout."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except FoundationError as error:
            _tell(ctx, error)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            print("interrupted; run the same command again to go on", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from error
        except Exception as error:
            known = _known(error)
            if known is None:
                raise
            _tell(ctx, known)
            raise typer.Exit(known.exit_code) from error


def _known(error: Exception) -> FoundationError | None:
    """Errors of the toolchain and the sandbox, whose messages say what to do already."""
    from hcloud import APIException
    from pulumi.automation import CommandError

    from automation.errors import BadInput
    from local.kubernetes.api import ClusterError
    from local.processes import ServerError
    from local.sandbox import ContextConflict
    from local.toolchain import ToolchainError
    from local.toolchain.golang import BuildError

    if isinstance(error, ToolchainError | ContextConflict):
        return BadInput(str(error))
    if isinstance(error, BuildError | ClusterError | ServerError):
        return FoundationError(str(error))
    if isinstance(error, CommandError):
        return FoundationError("Pulumi's CLI failed", problems=[str(error).strip()])
    if isinstance(error, APIException):
        return FoundationError(
            f"Hetzner's API refused: {error.message} ({error.code})", next_step="run the same command again"
        )
    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):  # a pipe's reader may leave early
        return _of_the_disk(error)
    return None


def _of_the_disk(error: OSError) -> FoundationError:
    """A file that can't be made, read or written: a wrong path, missing rights, a full or read-only disk."""
    from automation.errors import BadInput
    from local.directory import ENVIRONMENT_VARIABLE

    kind = FoundationError if error.errno in FULL else BadInput
    if error.filename is None:  # raised by ourselves: it says all there is to say
        return kind(str(error) or type(error).__name__)
    return kind(
        f"{error.filename}: {error.strerror}",
        next_step=f"put that right, or name a folder of yours with room: {ENVIRONMENT_VARIABLE}=FOLDER (default: "
        ".foundation in the project's folder)",
    )


def _tell(ctx: typer.Context, error: FoundationError) -> None:
    options = ctx.find_object(Options)
    if options is not None and options.json:
        told = {"message": error.message, "problems": list(error.problems), "next_step": error.next_step}
        print(json.dumps({"error": told | {"exit_code": error.exit_code}}, indent=2, ensure_ascii=False))
        return
    print(f"error: {error.message}", file=sys.stderr)
    for problem in error.problems:
        first, *others = problem.splitlines() or [""]
        print("\n".join([f"  - {first}", *(f"    {line}" for line in others)]), file=sys.stderr)
    if error.next_step:
        print(f"next: {error.next_step}", file=sys.stderr)


def _json_chosen(ctx: typer.Context, value: bool) -> bool:
    options = ctx.find_object(Options)
    if options is not None:
        options.json = options.json or value
    return value


Environment = Annotated[str | None, typer.Argument(help="The environment; default: the one of --environment.")]
Json = Annotated[bool, typer.Option("--json", help="JSON for machines on stdout.", callback=_json_chosen)]

app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    epilog=EPILOG,
    help="Multi-tenant SaaS as code: tenants are YAML files, Pulumi's engine makes the world match them.",
)


@app.callback()
def common(
    ctx: typer.Context,
    environment: Annotated[
        str, typer.Option("--environment", "-e", envvar="FOUNDATION_ENVIRONMENT", help="The environment: its stack.")
    ] = "local",
    project: Annotated[
        Path | None, typer.Option("--project", "-C", help="The project's folder; default: the one around here.")
    ] = None,
) -> None:
    """Options common to all commands."""
    # Pulumi's SDK must not ask the terminal, nor a proxy stand between this process and the engine on loopback.
    os.environ.setdefault("PULUMI_SKIP_UPDATE_CHECK", "true")
    ctx.obj = Options(environment, project)


def options_of(ctx: typer.Context) -> Options:
    """The options common to all commands."""
    options = ctx.find_object(Options)
    assert options is not None, "the app's callback ran"
    return options


def chosen(options: Options, environment: str | None) -> Options:
    """The options, for the environment that the command itself names."""
    return options if environment is None else replace(options, environment=environment)


# Each module adds its commands to the app.
from automation.cli import stack, tenants, nodes, cost, orphans, parts  # noqa: E402, F401, I001
