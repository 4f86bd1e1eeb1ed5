"""Between the runner and the Outbound screen: builds the scene, and gives rows, summary, details and counts as records to draw.

Imported after the first paint, since everything of the engine hangs on it. Holds no truth: the state is the runner's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from aetui.catalogue import Catalogue, load
from aetui.causes import Words, load_causes
from aetui.describe import observation_facts, row_line
from aetui.display import displayable
from aetui.records import Diagnosed, Diagnosis, Verdict
from aetui.screens import details
from aetui.screens.outbound_rows import FILTERS, Look, all_folds, check_id, counts, members, not_green, rows
from aetui.screens.path_aim import Aim, aim_of
from aetui.screens.runner import Runner, describe_all
from aetui.screens.scene import Scene
from aetui.screens.verdict import Headline, headline
from aetui.screens.widgets.lines import Line, cut, line
from aetui.screens.widgets.page import Para, pieces
from aetui.screens.widgets.rows import Row
from aetui.screens.words import say

NOTHING = Diagnosis({}, (), Verdict.UNDETERMINED)
INDENT = 3
"""Columns before the summary's second line."""
SUMMARY_LINES = 2
"""Lines that the summary takes."""


class View:
    """What the screen draws, asked for anew at every repaint."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.words: Words = load_causes()
        self._shipped = load()
        self._described: tuple[Diagnosis, tuple[Diagnosed, ...]] = (NOTHING, ())

    # ---------------------------------------------------------------------------------------------------------------- the scene
    @property
    def scene(self) -> Scene | None:
        """The session as it is now, or None before there is one."""
        state = self.runner.state
        if state is None or not state.checks:
            return None
        diagnosis = self.runner.diagnosis or NOTHING
        if self._described[0] is not diagnosis:
            self._described = (diagnosis, describe_all(diagnosis))
        return Scene(state, diagnosis, self._described[1], self.titles, self._ranges(), lambda identity: row_line(state, identity))

    @property
    def titles(self) -> Mapping[str, str]:
        """Equipment keys to titles."""
        return {key: one.title for key, one in self.catalogue.equipment.items()}

    @property
    def catalogue(self) -> Catalogue:
        """The one of the run, the user's own file included; before there is one, what is shipped."""
        return self.runner.catalogue or self._shipped

    def _ranges(self) -> Mapping[str, str]:
        return {a: e.host for e in self.catalogue.endpoints if "/" in e.host for a in e.addresses}

    @property
    def sources(self) -> details.Sources:
        """Where the details take words and facts from."""
        return details.Sources(self.catalogue, self.words, observation_facts)

    # ------------------------------------------------------------------------------------------------------------ what is drawn
    def rows(self, look: Look) -> tuple[Row, ...]:
        """The list."""
        scene = self.scene
        found = tuple(rows(scene, look)) if scene is not None else ()
        if found or scene is None:
            return found
        text = say("empty", "filter", filter=say("filters", look.filter))
        return (Row("head:empty", ((text, "muted"),), stop=False),)

    def summary(self, width: int, note: str) -> list[Line]:
        """How things stand: at most ``SUMMARY_LINES`` lines."""
        return written(self._note(note) if note else self.headline(), width)

    def _note(self, note: str) -> Headline:
        return Headline("info", "", (note,))

    def headline(self) -> Headline:
        """How things stand."""
        runner, scene = self.runner, self.scene
        if runner.fault:
            return Headline("fail", say("verdict", "fault"), (displayable(runner.fault, 400),))
        if scene is not None and not runner.preparing:
            return headline(scene, runner.job, runner.opened)
        if runner.busy:
            place = runner.launch.place if runner.launch else ""
            return Headline("running", say("verdict", "preparing"), (say("verdict", "preparing_line", place=displayable(place, 60)),))
        return Headline("planned", say("verdict", "choose"), (say("verdict", "choose_line"),))

    def filters(self, chosen: str) -> Line:
        """The line that says what the list is narrowed to, and how much there is of each."""
        scene = self.scene
        if scene is None:
            return line()
        there = counts(scene)
        spans = [(" v", "key"), (" ", "bar")]
        for key in FILTERS:
            text = f"{say('filters', key)} {there[key]}"
            spans += [(f"[{text}]", "bar-on") if key == chosen else (f" {text} ", "bar"), (" ", "bar")]
        return line(*spans)

    def title(self, key: str) -> str:
        """The heading of the details."""
        scene = self.scene
        return details.title(scene, key) if scene is not None else ""

    def details(self, key: str) -> Sequence[Para]:
        """What was seen of a row."""
        scene = self.scene
        return details.details(scene, key, self.sources) if scene is not None else ()

    def explanation(self, key: str) -> Sequence[Para]:
        """What is required there and why."""
        scene = self.scene
        return details.explanation(scene, key, self.sources) if scene is not None else ()

    # --------------------------------------------------------------------------------------------------------- what can be done
    def members(self, key: str) -> tuple[str, ...]:
        """The checks that a row speaks of."""
        scene = self.scene
        return members(scene, key) if scene is not None else ()

    def closed(self, key: str | None = None) -> tuple[str, ...]:
        """The checks of a row, or of all, that do not hold or could not be run: failures first."""
        scene = self.scene
        if scene is None:
            return ()
        ids = tuple(scene.state.checks) if key is None else members(scene, key)
        return tuple(i for i in not_green(scene, ids) if scene.standing(i) != "warn" and not scene.impossible(i))

    def aim(self, key: str) -> Aim | None:
        """The port that a row is about, for the Path tab; None where it is about none."""
        scene = self.scene
        return aim_of(scene, members(scene, key)) if scene is not None else None

    def fold_of(self, key: str) -> str:
        """The line that a row is folded under, or that it is itself."""
        scene, identity = self.scene, check_id(key)
        if scene is None or identity is None:
            return key
        if key.startswith("finding:"):
            return key.rpartition(">")[0]
        return f"host:{scene.host_of(scene.state.checks[identity])}" if identity in scene.state.checks else key

    def folds(self) -> frozenset[str]:
        """Every line that can be unfolded."""
        scene = self.scene
        return all_folds(scene) if scene is not None else frozenset()


def written(head: Headline, width: int, most: int = SUMMARY_LINES) -> list[Line]:
    """A headline as two to ``most`` lines: sign and word stand out, the sentences wrap beside them, as many of them as fit whole."""
    lead = f" {head.glyph} {head.word}  " if head.word else f" {head.glyph} "
    room = width - 1
    text: list[str] = []
    for number in range(1, len(head.sentences) + 1):
        longer = list(_wrap(" ".join(head.sentences[:number]), room, len(lead)))
        if len(longer) > most and len(text) >= SUMMARY_LINES:
            break
        text = longer
    if len(text) > most:
        text[most - 1] = cut(f"{text[most - 1]} {text[most]}", room - INDENT)
    first = line((lead, head.ink), (text[0] if text else "", "strong"))
    rest = [line((" " * INDENT, "plain"), (each, "strong")) for each in text[1:most]]
    return [first, *rest, *[line()] * (SUMMARY_LINES - 1 - len(rest))]


def _wrap(text: str, width: int, lead: int) -> Iterator[str]:
    """Pieces of a text of which the first has less room."""
    first = pieces(text, max(10, width - lead))[:1]
    yield from first
    yield from pieces(" ".join(text.split()).removeprefix(first[0] if first else ""), max(10, width - INDENT))


__all__ = ["NOTHING", "View", "written"]
