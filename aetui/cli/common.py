"""What several commands share: refusing in one sentence, and running a coroutine so that an interrupt ends it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from aetui.cli.main import Exit
from aetui.display import displayable
from aetui.strict import DataError

LONGEST_REFUSAL = 1000
"""Characters of a sentence that says why not; it may quote what was typed, a file, or a far side."""


def refuse(text: str) -> int:
    """One sentence on standard error; the status of a wrong call."""
    print(f"aetui: {displayable(text, LONGEST_REFUSAL)}", file=sys.stderr)
    return Exit.USAGE


def trouble(text: str) -> int:
    """One sentence on standard error; the status of what could not be determined."""
    print(f"aetui: {displayable(text, LONGEST_REFUSAL)}", file=sys.stderr)
    return Exit.UNDETERMINED


def guarded(work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run a command's coroutine. What is wrong with the call or a file is one sentence; a lost vantage is 'could not be determined'."""
    from aetui.prepare import Refused
    from aetui.vantage.base import VantageLost

    try:
        return asyncio.run(work())
    except (Refused, DataError) as error:
        return refuse(str(error))
    except VantageLost as lost:
        print(f"aetui: {displayable(str(lost), LONGEST_REFUSAL)}", file=sys.stderr)
        return Exit.UNDETERMINED
    except KeyboardInterrupt:
        return Exit.INTERRUPTED


def unicode_out() -> bool:
    """True where standard output can show more than ASCII."""
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    return encoding.startswith("utf")
