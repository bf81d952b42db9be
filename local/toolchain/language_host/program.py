"""Runs one Pulumi program in a process of its own, with the program's own interpreter.

The language host starts this file and writes one line of JSON to its stdin: what the engine asked for. Config
travels there and not by arguments or environment, since it holds decrypted secrets. Stdin then stays open; when it
closes, the host is gone, and so is the reason to run.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import runpy
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

# The engine has shown the error already: the host adds nothing to it (Pulumi's own hosts use the same number).
ERROR_ALREADY_SHOWN = 32
# As Pulumi's own host: each registration blocks a thread, so more threads than operations in flight.
THREADS_PER_OPERATION = 4


def main() -> int:
    # In place of this file's folder: the program's own comes first when it is run, and nothing else does.
    del sys.path[0]
    try:
        import pulumi
        import pulumi.runtime
    except ImportError as error:
        sys.exit(f"{sys.executable} has no Pulumi SDK ({error}): install the package `pulumi` for it")
    request = _receive()
    pulumi.runtime.set_all_config(request["config"], request["config_secret_keys"])
    pulumi.runtime.configure(pulumi.runtime.Settings(**request["settings"]))
    program = Path(request["program"])
    sys.argv = [str(program), *request["args"]]
    # Futures that nobody awaited are normal for a program that fails half-way; asyncio would log each.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max(request["settings"]["parallel"], 1) * THREADS_PER_OPERATION)
    loop.set_default_executor(executor)

    def run() -> None:
        runpy.run_path(str(program), run_name="__main__")

    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(run))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return ERROR_ALREADY_SHOWN
    except Exception as error:
        pulumi.log.error(f"Program failed with an unhandled exception:\n{_user_traceback(error, program)}")
        return ERROR_ALREADY_SHOWN
    finally:
        executor.shutdown(wait=True)
        loop.close()
    return 0


def _receive() -> Any:
    """The host's request; from then on the process lives no longer than the host."""
    lifeline = os.dup(0)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    stream = os.fdopen(lifeline, "rb")
    request = json.loads(stream.readline())

    def end_with_the_host() -> None:
        stream.read()
        os._exit(ERROR_ALREADY_SHOWN)

    threading.Thread(target=end_with_the_host, daemon=True).start()
    return request


def _user_traceback(error: Exception, program: Path) -> str:
    """The traceback from the program's main file on: how it was started is of no interest to its author."""
    main_file = program / "__main__.py" if program.is_dir() else program
    trace = error.__traceback__
    while trace is not None and Path(trace.tb_frame.f_code.co_filename).resolve() != main_file.resolve():
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace or error.__traceback__))


if __name__ == "__main__":
    sys.exit(main())
