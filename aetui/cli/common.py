"""What several commands share: refusing in one sentence, and running a coroutine so that an interrupt ends it."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aetui.cli.main import Exit
from aetui.display import displayable

if TYPE_CHECKING:
    from aetui.packet.client import PacketHelper
    from aetui.packet.spawning import Spawned

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


def shed(*, wanted: bool = True) -> Spawned | None:
    """Under sudo: be the user who called it from now on. Where raw packets or low ports may be wanted the packet helper is started before,
    with the rights that this process gives up; it is the caller's to close. None where it was not started. Where the kernel does not let
    go of a right, nothing is done with it: SystemExit with one sentence said.
    """
    if not under_sudo():
        return None
    from aetui.packet.spawning import alone

    try:
        return alone(wanted=wanted)
    except OSError as error:
        why = f"root's rights could not be given up ({error.strerror or error}), and nothing is done with them; call aetui without sudo."
        raise SystemExit(trouble(why)) from None


def under_sudo() -> bool:
    """True where this process is root in the name of somebody else."""
    return sys.platform == "linux" and os.geteuid() == 0 and "SUDO_UID" in os.environ


@asynccontextmanager
async def packets(spawned: Spawned | None = None) -> AsyncIterator[PacketHelper]:
    """A command's one packet helper, which the first request starts unless it runs already; ended with the context."""
    from aetui.packet.client import PacketHelper

    helper = PacketHelper(spawned)
    try:
        yield helper
    finally:
        await helper.close()


def guarded(work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run a command's coroutine. What is wrong with the call or a file is one sentence; a lost vantage is 'could not be determined'."""
    import asyncio

    try:
        return asyncio.run(work())
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        return told


def _told(error: Exception) -> int | None:
    """The status of what went wrong, once it is said; None for a fault of ours. Looked up only when something did."""
    from aetui.prepare import Refused
    from aetui.strict import DataError
    from aetui.vantage.base import VantageLost

    if isinstance(error, Refused | DataError):
        return refuse(str(error))
    return trouble(str(error)) if isinstance(error, VantageLost) else None


def unicode_out() -> bool:
    """True where standard output can show more than ASCII."""
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    return encoding.startswith("utf")
