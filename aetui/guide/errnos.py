"""Error numbers of an AcquiSuite's log: they are Linux errno values (asm-generic/errno.h). Pure but for reading assets/errnos.toml once.

``decode`` takes what a person copied from the log, a number or a line that holds one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from aetui.strict import Table, parse_toml

KINDS = ("way", "silence", "refusal", "name", "broken", "clock", "device", "other")
"""What a number speaks of; the signs of a guide's ``decode``."""


@dataclass(frozen=True, slots=True)
class Errno:
    """One number and its words."""

    number: int
    symbol: str
    kind: str
    meaning: str


@cache
def load_errnos() -> Mapping[int, Errno]:
    """By number. Raises DataError where the file is wrong."""
    table = parse_toml(files("aetui.assets").joinpath("errnos.toml").read_bytes(), "errnos.toml")
    found = dict(_read(name, each) for name, each in table.named("errno"))
    table.done()
    return found


def _read(name: str, table: Table) -> tuple[int, Errno]:
    if not name.isdigit():
        table.fail("", f"'{name}' is no number")
    kind = table.text("kind")
    if kind not in KINDS:
        table.fail("kind", f"'{kind}' is none of {', '.join(KINDS)}")
    entry = Errno(int(name), table.text("symbol"), kind, table.text("meaning"))
    table.done()
    return entry.number, entry


def decode(text: str) -> Errno | None:
    """The first number of the text that is known; None where there is none."""
    known = load_errnos()
    return next((known[int(found)] for found in re.findall(r"\d{1,4}", text[:400]) if int(found) in known), None)
