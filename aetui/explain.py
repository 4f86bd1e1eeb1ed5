"""Words for the kinds of check, from assets/checks.toml, and the owners' names. Pure but for reading that file once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from aetui.display import displayable
from aetui.records import Owner
from aetui.strict import Table, parse_toml

OWNERS: Mapping[Owner, str] = {
    Owner.SITE_IT: "the site's IT",
    Owner.ISP: "the internet provider",
    Owner.VENDOR: "the equipment's vendor",
    Owner.TECHNICIAN: "you, the technician",
    Owner.UNKNOWN: "not known yet",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What one kind of check measures."""

    title: str
    does: str
    passes: str

    def filled(self, host: str, port: str) -> Kind:
        """The same for one host and port."""
        values = {"host": displayable(host, 80), "port": displayable(port, 12)}
        return Kind(*(text.format_map(values) for text in (self.title, self.does, self.passes)))


@cache
def load_kinds() -> Mapping[str, Kind]:
    """By ``Check.kind``. Raises DataError where the file is wrong."""
    table = parse_toml(files("aetui.assets").joinpath("checks.toml").read_bytes(), "checks.toml")
    kinds = {name: _kind(entry) for name, entry in table.named("kind")}
    table.done()
    return kinds


def _kind(table: Table) -> Kind:
    kind = Kind(table.text("title"), table.text("does"), table.text("passes"))
    table.done()
    return kind
