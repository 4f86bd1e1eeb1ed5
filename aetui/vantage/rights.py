"""What this process may do: raw packets, and how many sockets it may open."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from pathlib import Path

from aetui.vantage.routes import read

CAP_NET_RAW = 13
"""linux/capability.h."""
STATUS = Path("/proc/self/status")


def effective(status: str) -> int:
    """The effective capability set in the text of /proc/self/status, 0 where there is none."""
    found = re.search(r"^CapEff:\s*([0-9a-fA-F]+)$", status, re.MULTILINE)
    return int(found[1], 16) if found else 0


def raw_packets() -> bool:
    """Raw sockets may be opened: CAP_NET_RAW on Linux, root or an administrator elsewhere."""
    if sys.platform == "linux":
        may = bool(effective(read(STATUS)) >> CAP_NET_RAW & 1)
    elif sys.platform == "win32":
        import ctypes

        may = bool(ctypes.windll.shell32.IsUserAnAdmin())
    else:
        may = os.geteuid() == 0
    return may


def raise_file_limit() -> None:
    """Raise the limit of open files to the hard limit. A system that says no is left as it is; running out is then data of a connect."""
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            with suppress(OSError, ValueError):  # macOS refuses "unlimited"
                resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
