"""Answers for a guide that nobody attends: a TOML or JSON file of answers by step or by name. Raises ``strict.DataError``.

A text, a number or true and false answers the first time that it is asked; a list answers one time each. After that, and where nothing is
said, the step's own default holds, and where it has none the walk ends undetermined.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aetui.guide.records import Guide, Question
from aetui.strict import DataError, read_bytes


class Answers:
    """What the file says, used up as it is asked for."""

    def __init__(self, given: Mapping[str, tuple[str, ...]], file: str) -> None:
        self.file = file
        self._left = {name: list(values) for name, values in given.items()}

    def next(self, step: Question) -> tuple[str, str] | None:
        """The key and the text that answer this step now; None where the file says nothing (more)."""
        for name in (step.id, step.id.rpartition(".")[2], step.saves):
            if self._left.get(name):
                return name, self._left[name].pop(0)
        return None


def read(path: Path, guide: Guide) -> Answers:
    """The file, every key of it a question's."""
    data = read_bytes(path)
    try:
        found = json.loads(data) if path.suffix == ".json" else tomllib.loads(data.decode("utf-8"))
    except ValueError as error:
        raise DataError(str(path), "", str(error)) from None
    except RecursionError:
        raise DataError(str(path), "", "is nested too deeply") from None
    if not isinstance(found, dict):
        raise DataError(str(path), "", "must hold answers by name")
    questions = [step for step in guide.steps.values() if isinstance(step, Question)]
    names = {name for step in questions for name in (step.id, step.id.rpartition(".")[2], step.saves)}
    for key in found:
        if key not in names:
            raise DataError(
                str(path), key, f"is no question of the guide {guide.key}; there are {', '.join(sorted({q.saves for q in questions}))}"
            )
    return Answers({key: _texts(str(path), key, value) for key, value in found.items()}, str(path))


def _texts(file: str, key: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(text for each in value for text in _texts(file, key, each))
    if isinstance(value, bool):
        return ("yes" if value else "no",)
    if isinstance(value, str | int):
        return (str(value),)
    raise DataError(file, key, "must be a text, a number, true or false, or a list of them")
