"""States without the program's stack traces."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def left_out() -> Iterator[None]:
    """Resources made inside are registered without the stack of calls that made them.

    The SDK records it with every resource, where only the engine's debugger looks at it: a quarter of a state, which
    is written twice for each new resource, and a millisecond of each resource's time. An error that passes through
    keeps its whole traceback.
    """
    before = getattr(sys, "tracebacklimit", None)
    # The SDK looks for the program's own frame above its constructors': in a stack of one there is none.
    sys.tracebacklimit = 1
    try:
        yield
    finally:
        if before is None:
            del sys.tracebacklimit
        else:
            sys.tracebacklimit = before
