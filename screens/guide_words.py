"""The sentences of the Guide and Site tabs, from assets/console-guide.toml; read once, when first needed.

As ``words``: an unknown key or a missing value is our own bug and raises KeyError. The file's commands and help are read by ``words`` too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from aetui.screens.words import read

FILE = "console-guide.toml"


@cache
def tables() -> Mapping[str, Any]:
    """The whole file."""
    return read(FILE)


def say(table: str, key: str, **values: object) -> str:
    """A sentence of a table, filled."""
    text: str = tables()[table][key]
    return text.format(**values) if values else text


def known(table: str, key: str, otherwise: str = "") -> str:
    """A word of a table, or what to say where it is not there."""
    text: str = tables()[table].get(key, otherwise)
    return text
