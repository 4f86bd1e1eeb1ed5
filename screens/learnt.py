"""What one tab has learnt of the site and another can use: its public address. Kept while the console runs, written down nowhere.

One site at a time: an address belongs to the place that the tests were made from (this computer, a jump host, a demo site), so that none
is taken for another's. What a place outside saw counts before what the router said, and that before what somebody typed; of the same
kind the latest counts. Imports nothing of the engine.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aetui.inbound.public import Reading


class By(IntEnum):
    """Who said so, the strongest last."""

    TYPED = 0
    ROUTER = 1
    OUTSIDE = 2


@dataclass(frozen=True, slots=True)
class Public:
    """A public address and who said so."""

    address: str
    by: By
    place: str = ""
    """Name of the place outside; displayable."""


class Learnt:
    """See the module."""

    def __init__(self) -> None:
        self._public: dict[str, Public] = {}

    def tell(self, where: str, found: Public) -> None:
        """Somebody learnt it."""
        known = self._public.get(where)
        if found.address and (known is None or found.by >= known.by):
            self._public[where] = found

    def read(self, where: str, reading: Reading) -> None:
        """The router or a place outside was asked."""
        if reading.address is not None:
            self.tell(where, Public(reading.address, By.OUTSIDE if reading.place else By.ROUTER, reading.place))

    def type(self, where: str, text: str) -> None:
        """Somebody typed it; a name is left aside, since it may lead elsewhere tomorrow."""
        with suppress(ValueError):
            self.tell(where, Public(str(ip_address(text)), By.TYPED))

    def forget(self, where: str) -> None:
        """The machine that tests has gone to another network."""
        self._public.pop(where, None)

    def public(self, where: str) -> Public | None:
        """What is known of the site that is tested from there."""
        return self._public.get(where)


def here(demo: str | None, vantage: str = "local") -> str:
    """The site that is tested from a vantage, or the demo's."""
    return f"demo:{demo}" if demo is not None else vantage
