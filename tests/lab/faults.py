"""Everything that the lab can break, as tables: ``FAULTS`` one at a time, ``PAIRS`` two at once, ``CALM`` what must not alarm anybody.

    with fault.on(lab) as env:
        seen = lab.run("laptop", ["aetui", "check", "pm2000", "--json"], env=env)

A fault undoes itself and leaves the lab healthy. Its ``shows`` and ``spares`` are raw symptoms as ``symptoms.see`` tells them from the
laptop: what the fault does, and what it must leave alone; test_breaking.py holds every row to them. What aetui makes of a fault is not
said here.
"""

from __future__ import annotations

from . import fault_content, fault_machine, fault_names, fault_tls, fault_transport
from .fault import Fault
from .fault_calm import CALM

FAULTS: tuple[Fault, ...] = (*fault_machine.FAULTS, *fault_names.FAULTS, *fault_transport.FAULTS, *fault_tls.FAULTS, *fault_content.FAULTS)
BY_NAME: dict[str, Fault] = {fault.name: fault for fault in (*FAULTS, *CALM)}

PAIRS: tuple[Fault, ...] = tuple(
    BY_NAME[one] & BY_NAME[other]
    for one, other in (
        ("ntp-dropped", "dns-name-missing"),
        ("ntp-dropped", "drop-2022"),
        ("ftp-data-dropped", "drop-2022-at-isp1"),
        ("dns-sinkhole-0.0.0.0", "reset-by-server"),
        ("tls-expired", "ntp-kiss-deny"),
        ("reject-admin-prohibited-at-router", "dns-name-filtered"),
        ("block-page-http", "ntp-prohibited"),
        ("tls-intercepted-customer", "ntp-dropped"),
    )
)
"""Two things wrong at once, which have nothing to do with each other."""

__all__ = ["BY_NAME", "CALM", "FAULTS", "PAIRS"]
