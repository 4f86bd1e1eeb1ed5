"""The words of reports, from assets/report.toml. Pure but for reading that file once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from aetui.strict import parse_toml

TABLES = (
    "title", "section", "piece", "state", "picture", "label", "severity", "sure", "untested", "about", "ended", "summary", "where", "owner",
    "kind", "status", "headline", "verdict", "look", "walk", "piece_inward",
)  # fmt: skip


@cache
def phrases() -> Mapping[str, Mapping[str, str]]:
    """By table and key. Raises DataError where the file is wrong."""
    table = parse_toml(files("aetui.assets").joinpath("report.toml").read_bytes(), "report.toml")
    found = {name: table.table(name).strings() for name in TABLES}
    table.done()
    return found


def say(table: str, key: str, **values: object) -> str:
    """One sentence, filled. The values have been made displayable by whoever took them from the network."""
    return phrases()[table][key].format_map({name: str(value) for name, value in values.items()})


def explained(count: int) -> str:
    """How many checks a cause accounts for; empty for none."""
    return say("label", "explains_one" if count == 1 else "explains", count=count) if count else ""
