"""The closed vocabulary of causes, and the words for them from assets/causes.toml. Pure but for reading that file once.

``describe`` turns a rule's ``Finding`` into the report's entry. Values that came from the network are made displayable here, so no sentence of a
report, a screen or a terminal holds anything raw. Every cause of CONTRACT has all its words; a test holds that.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from aetui.display import displayable
from aetui.records import Diagnosed, Finding, Owner, Said
from aetui.strict import Table, parse_toml

FILES = ("causes.toml", "causes-inbound.toml", "causes-path.toml", "causes-lan.toml")
"""Assets that hold causes, in the order in which they are read; one that is not there is left out."""

LONGEST_VALUE = 160
"""Characters of one filled-in value."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause's words."""

    code: str
    title: str
    summary: str
    meaning: str
    how: str
    owner: Owner
    remedy: tuple[str, ...]
    breaks: str


@dataclass(frozen=True, slots=True)
class Words:
    """All of them."""

    causes: Mapping[str, Cause]
    evidence: Mapping[str, str]

    def nearest(self, code: str) -> str | None:
        """The known code that an unknown one most likely means."""
        found = difflib.get_close_matches(code, self.causes, n=1, cutoff=0.4)
        return found[0] if found else None


@cache
def load_causes() -> Words:
    """The shipped words. Raises DataError where a file is wrong."""
    causes: dict[str, Cause] = {}
    evidence: dict[str, str] = {}
    for name in FILES:
        asset = files("aetui.assets").joinpath(name)
        if asset.is_file():
            table = parse_toml(asset.read_bytes(), name)
            causes |= {code: _cause(code, entry) for code, entry in table.named("cause")}
            evidence |= table.table("evidence").strings()
            table.done()
    return Words(causes, evidence)


def _cause(code: str, table: Table) -> Cause:
    cause = Cause(
        code, table.text("title"), table.text("summary"), table.text("meaning"), table.text("how"), table.choice("owner", Owner),
        table.texts("remedy"), table.text("breaks"),
    )  # fmt: skip
    table.done()
    return cause


class _Values(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def fill(template: str, values: Mapping[str, str]) -> str:
    """A sentence with its values, each made displayable; a value that is not there is a question mark. A name such as 'Inc.' at the end of
    a sentence is its full stop too.
    """
    return _TWICE.sub(".", template.format_map(_Values({key: displayable(value, LONGEST_VALUE) for key, value in values.items()})))


_TWICE = re.compile(r"(?<!\.)\.\.(?=\s|$)")


def sentence(words: Words, said: Said) -> str:
    """One sentence of evidence."""
    return fill(words.evidence[said.key], said.values)


def describe(words: Words, finding: Finding) -> Diagnosed:
    """A finding with its words."""
    cause = words.causes[finding.cause]
    return Diagnosed(
        cause=finding.cause,
        severity=finding.severity,
        confidence=finding.confidence,
        title=cause.title,
        summary=fill(cause.summary, finding.facts),
        evidence=tuple(sentence(words, said) for said in finding.evidence),
        explains=finding.explains,
        owner=finding.owner or cause.owner,
        remedy=tuple(fill(step, finding.facts) for step in cause.remedy),
        breaks=cause.breaks,
    )
