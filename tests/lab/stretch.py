"""A long line between the interfaces ``near`` and ``far`` of this namespace: ``python -m tests.lab.stretch MS``. Ends when it is
killed, or by itself.
"""

from __future__ import annotations

import signal
import sys

from . import kernel
from .wire import _Relay, long

if __name__ == "__main__":
    kernel.die_with_parent(signal.SIGKILL)
    _Relay(long(float(sys.argv[1])), "near", "far").run(lambda: print("ready", flush=True))
