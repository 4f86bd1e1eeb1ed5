"""The console's sentences, from assets/console.toml; read once, when first needed.

``say`` fills a sentence; an unknown key or a missing value is our own bug and raises KeyError.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

FILE = "console.toml"
TABS = ("console-path.toml", "console-inbound.toml", "console-history.toml", "console-guide.toml")
"""Files of tabs that have their own words: their commands and their help are read here too."""


@cache
def tables() -> Mapping[str, Any]:
    """The whole file, and the commands and the help of every tab."""
    found = dict(read(FILE))
    for own in map(read, TABS):
        found["commands"] = {**found["commands"], **own["commands"]}
        found["help"] = [*found["help"], *own["help"]]
    return found


def read(name: str) -> Mapping[str, Any]:
    """One file of words."""
    return tomllib.loads(files("aetui.assets").joinpath(name).read_text("utf-8"))


class Sentences:
    """Tables of sentences, read when the first one is said."""

    def __init__(self, tables: Callable[[], Mapping[str, Any]]) -> None:
        self.tables = tables

    @classmethod
    def of(cls, file: str) -> Sentences:
        """Those of one file of the assets."""
        return cls(cache(lambda: read(file)))

    def say(self, table: str, key: str, **values: object) -> str:
        """A sentence of a table, filled."""
        text: str = self.tables()[table][key]
        return text.format(**values) if values else text

    def known(self, table: str, key: str, otherwise: str = "") -> str:
        """A word of a table, or what to say where it is not there."""
        text: str = self.tables()[table].get(key, otherwise)
        return text

    def pair(self, table: str, key: str) -> tuple[str, str]:
        """A name and what it does."""
        title, does = self.tables()[table][key]
        return title, does


_CONSOLE = Sentences(tables)
say, known = _CONSOLE.say, _CONSOLE.known


def and_list(names: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def span(seconds: float) -> str:
    """A length of time for people: ``45 s``, ``3 min 20 s``, ``1 h 5 min``."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if minutes < 1:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def took(milliseconds: float) -> str:
    """How long a check took: ``34 ms``, ``4.0 s``."""
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"
