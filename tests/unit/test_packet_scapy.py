"""How scapy is loaded: nothing of this machine is read or asked for, and a scapy without the parts left out is loaded all the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys

LITERAL = re.compile(r"the address of [0-9.]+")
"""The system's library is given addresses to read; no resolver is asked for one of those."""

WATCH = """
import json, sys
seen = []
def watch(event, args):
    if event == "open" and isinstance(args[0], str) and not args[0].endswith((".py", ".pyc", ".so", ".pth")):
        seen.append(args[0])
    elif event == "socket.getaddrinfo":
        seen.append(f"the address of {args[0]}")
    elif event.startswith(("socket.", "subprocess", "os.exec", "os.system", "os.posix_spawn")):
        seen.append(event)
sys.path[:0] = PATH
from aetui.packet import scapyroom
sys.addaudithook(watch)
"""
FLOW = """
from aetui.packet.messages import OpenTrace
packet = scapyroom.flow_packet(OpenTrace(1, "203.0.113.9", "tcp", 443), "192.0.2.1", 40000, b"")
print(json.dumps([sorted(set(seen)), len(packet), packet[0], sorted(scapyroom.load().IP(packet).summary().split())]))
"""


def _fresh(program: str) -> list[object]:
    """In an interpreter of its own, as the helper is started."""
    code = program.replace("PATH", repr([path for path in sys.path if path]))
    done = subprocess.run(
        [sys.executable, "-P", "-S", "-c", code], capture_output=True, text=True, check=False, env={"HOME": "/dev/null/none"}
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found: list[object] = json.loads(done.stdout)
    return found


def test_loading_reads_no_list_of_names_asks_the_kernel_nothing_and_starts_nothing() -> None:
    seen, length, first, summary = _fresh(WATCH + FLOW)
    told = [str(one) for one in seen]  # type: ignore[attr-defined]
    assert [one for one in told if not one.endswith("/scapy/VERSION") and not LITERAL.fullmatch(one)] == []
    assert (length, first) == (20 + 32, 0x45)
    assert "TCP" in summary  # type: ignore[operator]


def test_a_scapy_without_the_parts_left_out_is_loaded_as_it_is() -> None:
    renamed = (
        "import scapy.interfaces as there\nthere.Renamed = there.NetworkInterfaceDict\ndel there.NetworkInterfaceDict\n"
        "import builtins\nscapyroom._UNUSED_FILES = frozenset()\nscapyroom._UNUSED_TABLES = ()\n"
    )
    _, length, first, _ = _fresh(WATCH + renamed + FLOW)
    assert (length, first) == (20 + 32, 0x45)


def test_what_is_not_there_while_loading_is_there_again_afterwards() -> None:
    (found, stubs) = _fresh(
        WATCH + "scapyroom.load()\nstubs = [name for name in ('cryptography', 'scapy.libs.manuf') if name in sys.modules]\n"
        "print(json.dumps([open('/etc/protocols').readable(), stubs]))"
    )
    assert (found, stubs) == (True, [])
