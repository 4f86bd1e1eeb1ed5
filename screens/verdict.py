"""The one line that says how things stand, in plain words: a scene and what the runner is doing go in, a sign, a word and a sentence
come out. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from re import findall

from aetui.display import displayable
from aetui.explain import OWNERS
from aetui.records import Diagnosed, Owner, Severity, Status, Verdict
from aetui.screens.runner import WAIT_EVERY_S, Again, Job, Opened, Wait, Whole
from aetui.screens.scene import Scene
from aetui.screens.skin import SIGNS
from aetui.screens.words import say, span

LONGEST = 400
CLOCK = "%H:%M:%S"


@dataclass(frozen=True, slots=True)
class Headline:
    """The summary: a key of ``skin.SIGNS``, the word, and sentences, of which the first matters and the others are shown where they fit."""

    standing: str
    word: str
    sentences: tuple[str, ...]

    @property
    def glyph(self) -> str:
        """The sign."""
        return SIGNS[self.standing].glyph

    @property
    def ink(self) -> str:
        """The ink of sign and word."""
        return SIGNS[self.standing].ink


STANDING = {Verdict.READY: "pass", Verdict.DEGRADED: "warn", Verdict.BLOCKED: "fail", Verdict.UNDETERMINED: "unknown"}
"""How a verdict is shown: a name of ``skin.SIGNS`` and of its inks."""


def headline(scene: Scene, job: Job | None, opened: Opened | None) -> Headline:
    """How things stand, the news first: what is being done, what was waited for, then the verdict."""
    if isinstance(job, Wait):
        return _waiting(scene, job)
    if isinstance(job, Whole):
        return Headline("running", say("verdict", "checking"), tuple(_progress(scene)))
    if isinstance(job, Again):
        what = scene.full_name(job.ids[0]) if len(job.ids) == 1 else f"{len(job.ids)} checks"
        return Headline("running", say("verdict", "checking"), (say("verdict", "again", what=what),))
    if opened is not None:
        return _opened(scene, opened)
    return verdict(scene)


def _progress(scene: Scene) -> Iterator[str]:
    yield say("verdict", "progress", done=len(scene.state.results), all=len(scene.state.checks))
    failed = sum(1 for i in scene.required if scene.standing(i) == "fail")
    if failed:
        yield say("verdict", "failing", count=failed)
    yield from (one.summary for one in scene.diagnosed[:1] if one.severity is Severity.FAIL)


def _waiting(scene: Scene, job: Wait) -> Headline:
    what = scene.full_name(job.id)
    under_way = job.tries < 1 or job.id in scene.state.running or job.id not in scene.state.results
    if under_way or job.last is None:
        sentence = say("wait", "trying", what=what, tries=max(1, job.tries))
    else:
        sentence = say("wait", "between", what=what, tries=job.tries, at=clock(job.last), every=f"{WAIT_EVERY_S:.0f}", ends=clock(job.ends))
    return Headline("running", say("wait", "word"), (sentence,))


def _opened(scene: Scene, opened: Opened) -> Headline:
    values = {"what": scene.full_name(opened.id), "at": clock(opened.at), "tries": opened.tries, "waited": span(opened.waited_s)}
    if opened.held:
        return Headline("pass", say("wait", "opened_word"), (say("wait", "opened", **values),))
    return Headline("fail", say("wait", "limit_word"), (say("wait", "limit", **values),))


def clock(at: datetime) -> str:
    """A time of day, to the second."""
    return at.strftime(CLOCK)


def verdict(scene: Scene) -> Headline:
    """The verdict of the last run, and its first reason."""
    given = scene.diagnosis.verdict
    said = {Verdict.READY: _ready, Verdict.DEGRADED: _degraded, Verdict.BLOCKED: _blocked, Verdict.UNDETERMINED: _undetermined}[given](
        scene
    )
    sentences = tuple(displayable(sentence, LONGEST) for sentence in (*_cut_short(scene, given), *said) if sentence)
    return Headline(STANDING[given], say("verdict", given.value), sentences)


def _cut_short(scene: Scene, given: Verdict) -> Iterator[str]:
    ended = scene.state.ended
    if ended in {"cancelled", "deadline"} and given is not Verdict.BLOCKED:
        yield say("verdict", ended, done=_run(scene), all=len(scene.state.checks))
    elif ended == "vantage-lost":
        yield say("verdict", "lost")


def _run(scene: Scene) -> int:
    return sum(1 for result in scene.state.results.values() if result.not_run is None)


def _ready(scene: Scene) -> Iterator[str]:
    yield say("verdict", "ready_line", equipment=scene.equipment(scene.state.equipment))
    yield from (one.summary for one in scene.diagnosed[:1])


def _degraded(scene: Scene) -> Iterator[str]:
    yield say("verdict", "degraded_line")
    yield from (one.summary for one in [one for one in scene.diagnosed if one.severity is not Severity.INFO][:1])


def _blocked(scene: Scene) -> Iterator[str]:
    found = [one for one in scene.diagnosed if one.severity is Severity.FAIL]
    if not found:
        yield say("verdict", "blocked_bare", count=sum(1 for i in scene.required if scene.standing(i) == "fail"))
        return
    yield found[0].summary
    yield _extent(scene, found[0])
    if len(found) > 1:
        yield say("verdict", "blocked_more", count=len(found) - 1) if len(found) > 2 else say("verdict", "blocked_more_one")
    if found[0].owner is not Owner.UNKNOWN:
        yield say("verdict", "blocked_owner", owner=OWNERS[found[0].owner])


def _extent(scene: Scene, one: Diagnosed) -> str:
    """How much hangs on a finding, unless its own sentence says so."""
    explained = [i for i in one.explains if i in scene.state.checks and scene.state.checks[i].equipment]
    waits = sum(1 for i in explained if (r := scene.reading(i)) is not None and r.status is Status.SKIP)
    if str(waits or len(explained)) in findall(r"\d+", one.summary):
        return ""
    if waits:
        return say("verdict", "blocked_waits", count=waits) if waits > 1 else say("verdict", "blocked_waits_one")
    return say("verdict", "blocked_rows", count=len(explained)) if len(explained) > 1 else ""


def _undetermined(scene: Scene) -> Iterator[str]:
    first = [one for one in scene.diagnosed if one.severity is not Severity.INFO][:1]
    yield from (one.summary for one in first)
    if not first:
        yield say("verdict", "undetermined_bare", count=sum(1 for i in scene.required if scene.standing(i) not in {"pass", "warn"}))
