"""The sentences of the History tab and of reports made from the console, from assets/console-history.toml; read once, when first needed.

As ``words``: an unknown key or a missing value is our own bug and raises KeyError. The file's commands and help are read by ``words`` too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from aetui.screens.words import read

FILE = "console-history.toml"


@cache
def tables() -> Mapping[str, Any]:
    """The whole file."""
    return read(FILE)


def say(table: str, key: str, **values: object) -> str:
    """A sentence of a table, filled."""
    text: str = tables()[table][key]
    return text.format(**values) if values else text


def pair(table: str, key: str) -> tuple[str, str]:
    """A name and what it does."""
    title, does = tables()[table][key]
    return title, does
