"""Who made a piece of network hardware, by the first three bytes of its MAC address: assets/makers.toml. Pure but for reading that file once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from aetui.strict import Table, parse_toml

_PREFIX = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){2}")


@dataclass(frozen=True, slots=True)
class Maker:
    """A maker, and the models of the catalogue that its hardware may be."""

    name: str
    equipment: tuple[str, ...] = ()


@cache
def load_makers() -> Mapping[str, Maker]:
    """By prefix. Raises DataError where the file is wrong."""
    table = parse_toml(files("aetui.assets").joinpath("makers.toml").read_bytes(), "makers.toml")
    found: dict[str, Maker] = {}
    for entry in table.tables("maker"):
        _read(entry, found)
    table.done()
    return found


def _read(entry: Table, found: dict[str, Maker]) -> None:
    maker = Maker(entry.text("name"), entry.texts("equipment", ()))
    for prefix in entry.texts("prefixes"):
        if not _PREFIX.fullmatch(prefix) or prefix in found:
            entry.fail("prefixes", f"'{prefix}' is no prefix of the form 00:90:E8, or stands there twice")
        found[prefix] = maker
    entry.done()


def maker_of(mac: str | None) -> Maker | None:
    """The maker, None where the list does not know it."""
    return load_makers().get(mac.upper()[:8]) if mac else None
