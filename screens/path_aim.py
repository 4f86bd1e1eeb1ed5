"""What the Path tab is to trace, and how a row of Outbound becomes that. Imports nothing of the path engine.

``aim_of`` takes what Outbound draws from and a row's key; it gives the port that the row is about: of several, the first that fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aetui.screens.scene import Scene

PROTOCOLS = ("tcp", "udp", "icmp")
"""In the order in which the key goes through them; the words are ``aetui.path.records.Proto``'s."""

DEFAULT_PORT = 443
"""Where a TCP trace goes when no port is named, as on the command line."""


@dataclass(frozen=True, slots=True)
class Aim:
    """A target, and how to trace it."""

    host: str
    port: int | None = None
    proto: str = "tcp"
    compare: int | None = None
    """A port that works, to hold the path against; None to have one chosen."""
    branches: bool = False
    """Vary the flow on purpose, to see what else load balancers use."""
    sizes: bool = False
    """Find out what size of packet gets through."""

    @property
    def text(self) -> str:
        """As one types it."""
        host = f"[{self.host}]" if ":" in self.host and self.port is not None else self.host
        return host if self.port is None else f"{host}:{self.port}"


def aim_of(scene: Scene, ids: Iterable[str]) -> Aim | None:
    """The port that some checks are about, a failed one first; None where none of them has one."""
    found = [scene.state.checks[identity] for identity in ids if identity in scene.state.checks]
    able = [check for check in found if check.host and check.port and check.transport in PROTOCOLS]
    failed = [check for check in able if scene.standing(check.id) == "fail"]
    first = next(iter(failed or able), None)
    return Aim(str(first.host), first.port, str(first.transport)) if first is not None else None
