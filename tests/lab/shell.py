"""A shell on a machine of the lab, with everything up: ``python -m tests.lab.shell [NODE] [--fault NAME] [--delay MS] [--list]``.

NODE is laptop unless told. ``--list`` prints the faults. The lab ends with the shell. ``ip netns list`` shows the other machines,
``ip netns exec`` enters them; ``$LAB_HOME`` holds every daemon's settings and log. Status 2 where no lab can be built.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from . import enter


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.shell", description="A shell in the lab, with everything up.")
    parser.add_argument("node", nargs="?", default="laptop", help="laptop, logger, router, wire, isp1 …, cloud or jump (laptop)")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME", help="break this first; may be given more than once")
    parser.add_argument("--delay", type=float, default=0.0, metavar="MS", help="a line of so many milliseconds each way")
    parser.add_argument("--hops", type=int, default=2, metavar="N", help="routers beyond the site's own (2)")
    parser.add_argument("--ipv6", action="store_true", help="the site has IPv6 too")
    parser.add_argument("--list", action="store_true", help="print the faults and end")
    parser.add_argument("-c", dest="command", metavar="COMMAND", help="run this instead of an interactive shell")
    return parser.parse_args(given)


def main(given: Sequence[str]) -> int:
    """Build, break, and hand over to the shell; gives its status."""
    from .faults import BY_NAME
    from .network import Lab
    from .wire import laid, long

    asked = _arguments(given)
    if asked.list:
        print("\n".join(f"{fault.name:36} {fault.about}" for fault in BY_NAME.values()))
        return 0
    unknown = [name for name in asked.fault if name not in BY_NAME]
    if unknown:
        print(f"no such fault: {', '.join(unknown)}; --list prints them", file=sys.stderr)
        return 2
    if not enter.inside():
        return enter.main([sys.executable, "-m", "tests.lab.shell", *given])
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(asked.hops, asked.ipv6))
        env = {"LAB_HOME": str(lab.home), "CURL_CA_BUNDLE": str(lab.roots), "PS1": f"[lab:{asked.node}] \\w$ "}
        if asked.delay:
            stack.enter_context(laid(lab, long(asked.delay)))
        for name in asked.fault:
            env |= stack.enter_context(BY_NAME[name].on(lab))
        if asked.node not in lab.nodes:
            print(f"no such machine: {asked.node}; there are {', '.join(lab.nodes)}", file=sys.stderr)
            return 2
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        shell = ["bash", "-c", asked.command] if asked.command else ["bash", "--norc", "-i"]
        with lab.popen(asked.node, shell, env, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as process:
            return process.wait()


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[2])
    sys.exit(main(sys.argv[1:]))
