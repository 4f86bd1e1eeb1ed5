"""What leaves the console as a file in the current directory: reports of a session, and whole sessions as JSON.

``ask`` lets a person choose the form and shows what was written and where, with the summary of at most twenty lines to copy. Making and
writing happen in a thread. A file is never written over: a number is put behind its name. A directory that cannot be written is one
line, and the summary is shown all the same.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aetui.catalogue import Catalogue
from aetui.causes import load_causes
from aetui.display import displayable
from aetui.entries import Kept
from aetui.report.forms import made
from aetui.screens.history_words import pair, say
from aetui.screens.picker import Entry, Picker
from aetui.screens.reader import Reader
from aetui.screens.widgets.page import GAP, Para

if TYPE_CHECKING:
    from textual.screen import Screen

    from aetui.store import History

ENDINGS: Mapping[str, str] = {"html": "html", "markdown": "md", "csv": "csv", "json": "json", "text": "txt"}
"""Forms of ``report.forms`` in the order in which they are offered, and how their files' names end."""

LONGEST_SITE = 40
"""Characters of the site's name in a file's name."""

MOST_FILES = 1000
"""Files of one name before it is given up."""

Source = Callable[[], Coroutine[Any, Any, "tuple[Kept, Catalogue] | str"]]
"""Gives the session to report, or the sentence that says why there is none."""


@dataclass(frozen=True, slots=True)
class Handed:
    """What became of a report."""

    path: Path | None
    why: str
    """Why there is no file."""
    summary: str


def folder() -> Path:
    """Where files are written: the folder that the console was started in, which may be gone meanwhile."""
    try:
        return Path.cwd()
    except OSError:
        return Path(os.environ.get("PWD") or ".")


def ask(screen: Screen[Any], source: Source) -> None:
    """Choose a form, write, show."""
    entries = [Entry(form, *pair("report", form)) for form in ENDINGS]
    place = displayable(str(folder()), 60)

    def chosen(keys: tuple[str, ...] | None) -> None:
        if keys:
            screen.run_worker(_hand(screen, source, keys[0]), group="report")

    screen.app.push_screen(Picker(say("report", "heading"), say("report", "help", folder=place), entries), chosen)


async def _hand(screen: Screen[Any], source: Source, form: str) -> None:
    found = await source()
    if not screen.is_current:  # whoever asked has gone elsewhere
        return
    if isinstance(found, str):
        screen.app.push_screen(Reader(say("report", "heading"), lambda: (Para(displayable(found, 400), "warn"),)))
        return
    kept, catalogue = found
    handed = await asyncio.to_thread(hand, form, kept, catalogue, folder())
    name = displayable(handed.path.name, 70) if handed.path else ""
    heading = say("report", "written", name=name) if handed.path else say("report", "unwritten", why=displayable(handed.why, 60))
    screen.app.push_screen(Reader(heading, partial(_told, handed)))


def _told(handed: Handed) -> tuple[Para, ...]:
    return tuple(_paras(handed))


def _paras(handed: Handed) -> Iterator[Para]:
    if handed.path is None:
        yield Para(say("report", "unwritten", why=displayable(handed.why, 300)), "warn")
        yield GAP
    for text in handed.summary.splitlines():
        bare = text.lstrip()
        yield Para(bare, "plain", " " * (len(text) - len(bare)), "plain") if bare else GAP
    if handed.path is not None:
        yield GAP
        yield Para(say("report", "where", path=displayable(str(handed.path), 400)), "muted")


# ------------------------------------------------------------------------------------------------------------------- in a thread
def hand(form: str, kept: Kept, catalogue: Catalogue, folder: Path) -> Handed:
    """Make a report and write it. ``form`` is a key of ``ENDINGS``."""
    words = load_causes()
    summary = made("text", kept, catalogue, words)
    text = summary + "\n" if form == "text" else made(form, kept, catalogue, words)
    try:
        return Handed(write(folder, stem(kept), ENDINGS[form], text), "", summary)
    except OSError as error:
        return Handed(None, f"{folder}: {error.strerror or error}", summary)


def export(identity: str, folder: Path) -> Callable[[History], Path]:
    """Write a whole session as JSON. The work raises StoreError, and OSError for the file."""

    def do(history: History) -> Path:
        return write(folder, f"aetui-session-{plain(identity)}", "json", json.dumps(history.export(identity), indent=1))

    return do


def stem(kept: Kept) -> str:
    """A file's name without its ending: site or equipment, and when, by this machine's clock."""
    what = plain(kept.about.name) or plain("-".join(kept.state.equipment)) or plain(kept.about.command)
    return f"aetui-report-{what}-{kept.state.started.astimezone():%Y%m%d-%H%M}"


def plain(text: str) -> str:
    """Text as a part of a file's name: letters, digits and hyphens that every system takes."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold())[:LONGEST_SITE].strip("-")


def write(folder: Path, name: str, ending: str, text: str) -> Path:
    """A new file, its user's alone: who is to have it is sent it. Raises OSError."""
    for number in range(1, MOST_FILES):
        path = folder / (f"{name}.{ending}" if number == 1 else f"{name}-{number}.{ending}")
        try:
            with open(path, "x", encoding="utf-8", newline="", opener=_private) as file:
                file.write(text)
        except FileExistsError:
            continue
        return path
    raise OSError(f"there are {MOST_FILES} files called {name} already")


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)
