"""VANTAGE as written on a command line or kept by the console: ``local``, ``jump:NAME`` or ``ssh:NAME`` -> the vantage, loaded then.

NAME is a Host of the user's ssh configuration or ``user@host[:port]``; ``ssh:`` reaches it with the system's own ssh program, for jump
hosts that the built-in SSH is too new for. Nothing is opened here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aetui.vantage.sshconfig import SshConfig, target
from aetui.vantage.sshfile import ConfigFault

if TYPE_CHECKING:
    from aetui.vantage.asker import Asker
    from aetui.vantage.base import Vantage

LOCAL = "local"
KINDS = ("jump", "ssh")


class BadVantage(ValueError):
    """Not a vantage; the text says what is."""


@dataclass(frozen=True, slots=True)
class VantageSpec:
    """Where to run from: ``local``, or ``jump`` or ``ssh`` with a name."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


def parse(text: str) -> VantageSpec:
    """Read VANTAGE. Raises BadVantage."""
    if text == LOCAL:
        return VantageSpec(LOCAL)
    kind, _, name = text.partition(":")
    if kind not in KINDS:
        raise BadVantage(f"'{text}' is no vantage: it is 'local' or 'jump:NAME', NAME a Host of the ssh configuration or user@host[:port]")
    try:
        target(name)
    except ConfigFault as fault:
        raise BadVantage(f"'{text}': {fault}") from None
    return VantageSpec(kind, name)


def make(spec: VantageSpec, asker: Asker | None = None, config: SshConfig | None = None) -> Vantage:
    """The vantage, not yet open. ``asker`` and ``config`` are for a jump host; without an asker nobody is asked."""
    if spec.kind == LOCAL:
        from aetui.vantage.local import LocalVantage

        return LocalVantage()
    if spec.kind == "ssh":
        from aetui.vantage.systemssh import SystemSshVantage

        return SystemSshVantage(spec.name, config)
    from aetui.vantage.jump import JumpVantage

    return JumpVantage(spec.name, asker, config)
