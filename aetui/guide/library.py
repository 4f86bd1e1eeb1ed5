"""All guides: the shipped ones, a user's own over them, held against the catalogue. Reads files; opens nothing else. Raises ``DataError``.

A file of the user's replaces the shipped one of the same name, part or guide alike, and any other file adds one. Guides are found by key,
by model, or by what the label on the equipment says.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from aetui.catalogue import Catalogue
from aetui.guide.loader import Raw, read
from aetui.guide.proof import prove_all
from aetui.guide.records import Guide
from aetui.strict import DataError, read_bytes

PART = "_"
MOST_FILES = 200
"""Files of a user's own folder; more is the wrong folder."""


@dataclass(frozen=True, slots=True)
class Library:
    """Every guide by key, in the catalogue's order, those of the site last."""

    guides: Mapping[str, Guide]

    def of_model(self, key: str) -> Guide | None:
        """The guide for a model of the catalogue, or the one of that key."""
        return self.guides.get(key) or next((guide for guide in self.guides.values() if key in guide.equipment), None)

    def meant(self, text: str) -> tuple[Guide, ...]:
        """Guides that somebody may mean by this: the one of that model or key, else by what a label says."""
        exact = self.of_model(text.casefold())
        return (exact,) if exact is not None else self.by_label(text)

    def by_label(self, text: str) -> tuple[Guide, ...]:
        """Guides that a label's words may mean, the likeliest first; all words of a known label count, then likeness."""
        said = _plain(text)
        if not said:
            return ()
        labels = {
            _plain(label): guide for guide in self.guides.values() for label in (guide.key, *guide.equipment, guide.title, *guide.labels)
        }
        exact = [guide for label, guide in labels.items() if label == said]
        within = [guide for label, guide in labels.items() if label and (f" {label} " in f" {said} " or f" {said} " in f" {label} ")]
        joined = [guide for label, guide in labels.items() if label.replace(" ", "") in said.replace(" ", "") and len(label) > 3]
        near = [labels[label] for label in difflib.get_close_matches(said, labels, n=3, cutoff=0.7)]
        return tuple({guide.key: guide for guide in (exact or within or joined or near)}.values())


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z]+|\d+", text.casefold()[:200]))


def own_folder() -> Path | None:
    """The user's own folder of guides where there is one: AETUI_GUIDES, else guides in the configuration folder."""
    named = os.environ.get("AETUI_GUIDES")
    if named:
        return Path(named)
    default = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "aetui" / "guides"
    return default if default.is_dir() else None


def load(catalogue: Catalogue, own: Path | None = None) -> Library:
    """Every guide, proved."""
    raws = _shipped() | (_own(own) if own is not None else {})
    parts = {name: raw for name, raw in raws.items() if name.startswith(PART)}
    guides: dict[str, Guide] = {}
    for name, raw in raws.items():
        if not name.startswith(PART):
            guide = read(raw, parts)
            if guide.key in guides:
                raise DataError(raw.file, "guide", f"'{guide.key}' is the key of {guides[guide.key].file} too")
            guides[guide.key] = guide
    prove_all(guides.values(), catalogue)
    order = list(catalogue.equipment)
    return Library(dict(sorted(guides.items(), key=lambda item: _rank(item[1], order))))


def _rank(guide: Guide, order: list[str]) -> int:
    return min((order.index(key) for key in guide.equipment), default=len(order))


def _shipped() -> dict[str, Raw]:
    folder = files("aetui.assets").joinpath("guides")
    entries = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name)
    return {entry.name.removesuffix(".toml"): raw_of(entry.read_bytes(), entry.name) for entry in entries}


def _own(folder: Path) -> dict[str, Raw]:
    try:
        found = sorted(folder.glob("*.toml"))
    except OSError as error:
        raise DataError(str(folder), "", error.strerror or "cannot be read") from None
    if not folder.is_dir():
        raise DataError(str(folder), "", "is no folder")
    if len(found) > MOST_FILES:
        raise DataError(str(folder), "", f"holds more than {MOST_FILES} guides")
    return {path.stem: raw_of(read_bytes(path), str(path)) for path in found}


def raw_of(data: bytes, file: str) -> Raw:
    """A file's bytes as the loader takes them. Raises DataError."""
    import tomllib

    try:
        return Raw(tomllib.loads(data.decode("utf-8")), file)
    except UnicodeDecodeError as error:
        raise DataError(file, "", f"is not UTF-8 (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise DataError(file, "", str(error)) from None
