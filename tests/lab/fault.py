"""What a fault is: a name, how it begins, and the raw symptoms that prove it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from .breaking import together
from .network import Lab

Symptoms = Mapping[str, str]
"""Question of ``symptoms.see`` to its answer, asked on the laptop."""
Begin = Callable[[Lab], AbstractContextManager[object]]


def _no_env(_: Lab) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Fault:
    """One thing that can be wrong."""

    name: str
    about: str
    """One sentence: what was done to the network."""
    begin: Begin
    shows: Symptoms = field(default_factory=dict)
    spares: Symptoms = field(default_factory=dict)
    env: Callable[[Lab], Mapping[str, str]] = _no_env
    """Environment of programs on the laptop while it lasts."""

    @contextmanager
    def on(self, lab: Lab) -> Iterator[dict[str, str]]:
        """Break the lab for a while; gives the environment that belongs to it. The lab is healthy, and remembers nothing, afterwards."""
        try:
            with self.begin(lab):
                yield dict(self.env(lab))
        finally:
            lab.settle()

    def __and__(self, other: Fault) -> Fault:
        """Both at once. What either spares is not claimed."""

        def env(lab: Lab) -> Mapping[str, str]:
            return {**self.env(lab), **other.env(lab)}

        def begin(lab: Lab) -> AbstractContextManager[object]:
            return together(self.begin(lab), other.begin(lab))

        return Fault(f"{self.name}+{other.name}", f"{self.about} {other.about}", begin, {**self.shows, **other.shows}, {}, env)


TLS_OK = "trusted by Lab Public Server CA 2"
WWW, MAKI, MAKIRT, STREAMER = "204.232.231.197", "146.20.187.118", "104.239.186.186", "74.205.11.149"
WWW_IS_THERE: Symptoms = {f"tcp {WWW}:443": "open"}
NAMES_WORK: Symptoms = {"dns www.alsoenergy.com": f"NOERROR {WWW}"}
OTHERS: Symptoms = {**WWW_IS_THERE, f"tcp {MAKI}:443": "open"}
"""Servers that a fault of one server leaves alone."""
