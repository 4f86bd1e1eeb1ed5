"""One protocol a file: they measure and never judge.

``PROBES`` is the registry: the kind of a check to its probe. Importing this package imports no probe; each is loaded when first used,
and with it whatever library it needs (dnspython, pyOpenSSL).
"""

from __future__ import annotations

from importlib import import_module

from aetui.probes.base import Given, Measure, Measured, Probe, Settings
from aetui.records import Check
from aetui.vantage.base import Capability, Vantage

_NOTHING: frozenset[Capability] = frozenset()


def _loaded(name: str) -> Measure:
    """The ``measure`` of a module of this package, imported when it is first called."""

    async def measure(check: Check, given: Given, vantage: Vantage, settings: Settings, deadline: float) -> Measured:
        probe: Measure = import_module(f"{__name__}.{name}").measure
        return await probe(check, given, vantage, settings, deadline)

    return measure


def warm(settings: Settings) -> None:
    """Import what nearly every run needs, and load the stores of roots. Blocks for some tenths of a second: for a thread, before the clock starts."""
    for name in ("dns", "tcp", "link", "ntp", "series", "tls", "http"):
        import_module(f"{__name__}.{name}")
    import_module(f"{__name__}.trust").preload(settings)


PROBES: dict[str, Probe] = {
    "link": Probe(_loaded("link"), frozenset({Capability.LINK})),
    "arp": Probe(_loaded("arp"), frozenset({Capability.ARP}), timeout_s=3.0),
    "dns": Probe(_loaded("dns"), _NOTHING, timeout_s=6.0),
    "tcp": Probe(_loaded("tcp")),
    "tls": Probe(_loaded("tls"), timeout_s=5.0),
    "http": Probe(_loaded("http"), timeout_s=5.0),
    "ntp": Probe(_loaded("ntp"), frozenset({Capability.UDP}), timeout_s=7.0),
    "ftp": Probe(_loaded("ftp"), timeout_s=30.0),
    "ssh": Probe(_loaded("ssh"), timeout_s=5.0),
    "rdp": Probe(_loaded("rdp"), timeout_s=8.0),
    "telnet": Probe(_loaded("telnet"), timeout_s=8.0),
    "proxy": Probe(_loaded("proxy"), timeout_s=5.0),
    "series": Probe(_loaded("series"), timeout_s=14.0),
}
"""By ``Check.kind``. The times are for one attempt on a line of 800 ms each way; probes of several steps bound each step besides."""
