"""Running the engine: stacks that aren't there yet, locks that others hold, failures told once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from pulumi.automation import CommandError, Stack
from pulumi.automation.errors import ConcurrentUpdateError, StackNotFoundError
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_fixed

from automation.engine import interruptible
from automation.errors import Busy, FoundationError, Refused
from automation.locks import Holder, holders
from automation.report import Diagnostic, Report

Tell = Callable[[str], None]
"""Hears one line for each thing worth saying."""

CANCELLED = "update cancelled"
# The SDK tells the engine's exit code first; a negative one is the signal that ended it.
KILLED = re.compile(r"code: -\d+")
# A file backend writes its state in place: who reads it at that moment, which a preview may, gets half of it.
HALF_WRITTEN = ("failed to load checkpoint: EOF", "unexpected end of JSON input")
# What messages hold when a change would lose data: the register of tenants speaks, or the engine's own protection.
REFUSALS = ("foundation:tenancy:Registry", "marked for protection", "it is protected")
# How the engine says that a policy pack's process ended before it had judged everything.
UNJUDGED = ("failed to run policy", "failed to run remediation", "failed to get analyzer info")
ROOT = "pulumi:pulumi:Stack"


def _read_half(error: BaseException) -> bool:
    return isinstance(error, CommandError) and any(mark in str(error) for mark in HALF_WRITTEN)


READ_AGAIN = retry(
    retry=retry_if_exception(_read_half), stop=stop_after_attempt(10), wait=wait_fixed(0.5), reraise=True
)


def silent(line: str) -> None:
    """Says nothing."""


def run_engine(stack: Stack, report: Report, tell: Tell, run: Callable[[], None], *, create: bool = False) -> None:
    """Run the engine; a stack that isn't there yet is created, a lock that its dead holder left is removed."""
    run = READ_AGAIN(run)
    try:
        with interruptible():
            try:
                run()
            except StackNotFoundError:
                if not create:
                    raise
                stack.workspace.create_stack(stack.name)
                run()
            except ConcurrentUpdateError as error:
                _break_dead_lock(stack, str(error), tell)
                run()
    except StackNotFoundError:
        raise
    except ConcurrentUpdateError as error:
        raise busy(stack.name, holders(str(error))) from error
    except CommandError as error:
        raise _failure(report, error) from error


def _break_dead_lock(stack: Stack, message: str, tell: Tell) -> None:
    found = holders(message)
    if not found or not all(holder.is_dead() for holder in found):
        raise busy(stack.name, found)
    tell(f"removing the lock of an update that was killed: {found[0]}")
    stack.cancel()


def busy(stack: str, found: Sequence[Holder]) -> Busy:
    """The error that says who holds the stack."""
    who = "; ".join(map(str, found)) or "someone else"
    return Busy(
        f"another update of stack {stack} is under way: {who}",
        next_step="wait for it to end; if that machine or process is certainly gone, run `pulumi cancel`",
    )


def _failure(report: Report, error: CommandError) -> FoundationError:
    """What went wrong, each thing told once."""
    mandatory = [violation for violation in report.violations if violation.level == "mandatory"]
    if mandatory:
        return Refused(
            f"{len(mandatory)} broken policies",
            problems=[f"{found.policy}: {found.message}" for found in mandatory],
            next_step="change what breaks them, or approve the change as the policy says",
        )
    if CANCELLED in str(error):
        return FoundationError(f"{report.kind} was stopped before its end", next_step="run the same command again")
    if KILLED.match(str(error).strip()):
        return FoundationError(
            f"the engine was killed in the middle of {report.kind}",
            next_step="run the same command again: it goes on where this one stopped",
        )
    if any(_is_unjudged(note) for note in report.errors):
        return FoundationError(
            f"the policies' process ended before it had judged {report.kind}",
            problems=[note.message for note in report.errors if note.message],
            next_step="run the same command again; if it ends again, look for its messages above",
        )
    messages = [note.message for note in report.errors if note.message and note.message != "update failed"]
    if any(refusal in message for message in messages for refusal in REFUSALS):
        # The engine puts the property before what the register says, which names the tenant itself.
        told = [message.partition(" has a problem: ")[2] or message for message in messages]
        return Refused("the change was refused to keep data safe", problems=told)
    return FoundationError(
        f"{report.kind} failed",
        problems=messages or [_last_lines(error)],
        next_step="mend the cause and run the same command again: it goes on where this one stopped",
    )


def _is_unjudged(note: Diagnostic) -> bool:
    # Something else failed, and the engine gave up what was under way.
    if "context canceled" in note.message:
        return False
    # Judging all resources together is an operation of the stack's, and no provider's.
    of_the_stack = note.urn is not None and note.urn.split("::")[2:3] == [ROOT]
    return note.message.startswith(UNJUDGED) or (of_the_stack and "error reading from server" in note.message)


def _last_lines(error: CommandError) -> str:
    text = str(error)
    return "\n".join(text.strip().splitlines()[-20:])
