"""The words of comparisons, from assets/diff.toml. Pure but for reading that file once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from aetui.strict import parse_toml


@cache
def _tables() -> Mapping[str, Mapping[str, str]]:
    table = parse_toml(files("aetui.assets").joinpath("diff.toml").read_bytes(), "diff.toml")
    found = {name: table.table(name).strings() for name in ("head", "section", "what", "line")}
    table.done()
    return found


def words(table: str, key: str, **values: object) -> str:
    """One sentence, filled. The values have been made displayable by whoever took them from the network."""
    return _tables()[table][key].format_map({name: str(value) for name, value in values.items()})
