"""How a console is started, and what it is looking at now: equipment and vantage. Imports nothing of the engine, so that it costs
nothing at start.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Launch:
    """What the person asked for, on the command line or in the console since."""

    equipment: tuple[str, ...] = ()
    vantage: str = "local"
    """``local`` or ``jump:NAME``; not looked at where ``demo`` is set."""
    demo: str | None = None
    """Name of the embedded site's scenario."""
    own_catalogue: Path | None = None
    roots: Path | None = None
    """Certificates that a logger would trust, in place of the public ones."""
    deadline_s: float | None = None
    """Seconds for one run; None for the usual."""
    only: tuple[str, ...] = ()
    """Ids of the checks to run, with what they need; empty for all."""
    save: bool | None = None
    """Whether runs go to the history; None for the usual: real ones do, the demo's do not."""
    site: str = ""
    """The site's name, for the history and the report."""
    note: str = ""
    """A note on the first session."""
    mouse: bool = True

    @property
    def place(self) -> str:
        """Where the checks run from, for the top of the screen."""
        if self.demo is not None:
            return f"demo site: {self.demo}"
        return "this computer" if self.vantage == "local" else f"jump host {self.vantage.removeprefix('jump:')}"
