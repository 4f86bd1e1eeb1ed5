"""What the Guide tab shows: one picture of a visit, made anew for every change. Pure; text from the network is displayable already.

Above: where one is, the step's words, its answers. Below: what was just seen, or the verdict's causes, what to do and what to hand over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from aetui.guide.interpreter import Trodden, fill
from aetui.guide.records import Ask, Check, End, Instruction, Question
from aetui.guiding.inbound import demo_logger
from aetui.guiding.walker import Walker
from aetui.screens.guide_verdict import told_paras, verdict_paras
from aetui.screens.guide_visit import Visit
from aetui.screens.guide_words import say, tables
from aetui.screens.skin import SIGN_WIDTH, SIGNS
from aetui.screens.widgets.lines import BLANK, Line, Span, cut, line
from aetui.screens.widgets.page import GAP, Para, pieces
from aetui.screens.widgets.rows import Row

MARGIN = " "
LONGEST_SITE = 40
TITLE_WIDTH = 27


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that the tab draws."""

    place: Line
    step: tuple[Line, ...]
    rows: tuple[Row, ...] = ()
    first: str = ""
    """The row under the cursor to begin with."""
    ask: Ask | None = None
    """What is typed, where something is."""
    hint: str = ""
    """In the empty line to type in."""
    heading: str = ""
    paras: tuple[Para, ...] = ()
    least: int = 4
    """Lines that are kept for the paragraphs."""
    mark: object = None
    """As ``mark_of``."""


def mark_of(visit: Visit, labelled: tuple[str, ...] | None) -> object:
    """Differs where the visit stands at another step, so that an answer can be held against the step that was shown."""
    if visit.why_not:
        return "fault"
    if visit.library is None:
        return None
    if visit.guide is None:
        return "choosing", labelled, len(visit.earlier)
    walker = visit.walker
    return "preparing" if walker is None else (walker.guide.key, len(walker.walk.taken), walker.showing.reached, visit.running)


def picture(visit: Visit, note: str, labelled: tuple[str, ...] | None, selected: str, width: int) -> Picture:
    """The visit as it stands. ``labelled``: keys of the guides that a label may mean, None where nothing was asked."""
    return replace(_picture(visit, note, labelled, selected, width), mark=mark_of(visit, labelled))


def _picture(visit: Visit, note: str, labelled: tuple[str, ...] | None, selected: str, width: int) -> Picture:
    if visit.why_not:
        return _fault(visit, width)
    if visit.library is None:
        return Picture(_bar((say("guide", "loading"), "bar")), ())
    if visit.guide is None:
        return _choosing(visit, note, labelled, selected, width)
    if visit.walker is None:
        step = (*_text(say("guide", "preparing_text", place=visit.launch().place), width),)
        return Picture(_bar((visit.guide.title, "bar-strong"), (say("guide", "preparing"), "bar")), step)
    return _walking(visit, note, width)


def _bar(*spans: Span) -> Line:
    parts: list[Span] = [(MARGIN, "bar")]
    for text, ink in spans:
        parts += [(text, ink), ("   ", "bar")]
    return line(*parts)


def _text(text: str, width: int, ink: str = "plain") -> Iterator[Line]:
    return (line((MARGIN, "plain"), (piece, ink)) for piece in pieces(text, width - 2))


def _fault(visit: Visit, width: int) -> Picture:
    sign = SIGNS["fail"]
    step = (line((f" {sign.glyph} {say('guide', 'fault')}", "fail")), *_text(visit.why_not, width))
    rows: tuple[Row, ...] = ()
    if visit.library is not None:
        rows = (Row("retry", ((say("guide", "again"), "strong"),)), Row("others", ((say("guide", "others"), "plain"),)))
    title = visit.guide.title if visit.guide is not None else ""
    return Picture(_bar((title, "bar-strong")), step, rows)


# ---------------------------------------------------------------------------------------------------------------------- choosing
def _choosing(visit: Visit, note: str, labelled: tuple[str, ...] | None, selected: str, width: int) -> Picture:
    rows = tuple(_choices(visit, labelled, width))
    step = (*_text(f"{SIGNS['warn'].glyph} {note}" if note else say("guide", "choose_text"), width, "warn" if note else "plain"),)
    wanted = next((f"guide:{g.key}" for key in visit.launch().equipment if (g := visit.library and visit.library.of_model(key))), "")
    paras = tuple(_about(visit, selected))
    hint = say("guide", "label_key")
    return Picture(
        _bar((say("guide", "choose"), "bar-strong")), step, rows, "" if visit.earlier else wanted, Ask.TEXT, hint, say("guide", "about"), paras,
        2,
    )  # fmt: skip


def _choices(visit: Visit, labelled: tuple[str, ...] | None, width: int) -> Iterator[Row]:
    assert visit.library is not None
    if visit.earlier and labelled is None:
        yield Row("left", ((say("guide", "left"), "head"),), stop=False)
        for each in visit.earlier:
            text = say("guide", "resume", title=each.guide.title, number=len(each.taken) + 1, next=each.next)
            yield Row(f"resume:{each.guide.key}", ((cut(text, width - 4).rstrip(), "strong"),))
        yield Row("guides", ((say("guide", "guides"), "head"),), stop=False)
    for guide in visit.library.guides.values():
        if labelled is None or guide.key in labelled:
            room = width - TITLE_WIDTH - 4
            yield Row(f"guide:{guide.key}", ((cut(guide.title, TITLE_WIDTH), "strong"), (cut(guide.about, room).rstrip(), "muted")))


def _about(visit: Visit, selected: str) -> Iterator[Para]:
    kind, _, key = selected.partition(":")
    assert visit.library is not None
    guide = visit.library.guides.get(key)
    left = next((each for each in visit.earlier if each.guide.key == key), None)
    if kind == "resume" and left is not None:
        at = left.left.astimezone().strftime("%d %b, %H:%M")
        site = say("guide", "resume_site", site=cut(left.site, LONGEST_SITE).rstrip()) if left.site else ""
        yield Para(say("guide", "resume_about", left=at, site=site, count=len(left.taken)))
    elif guide is not None:
        yield Para(guide.about)


# ----------------------------------------------------------------------------------------------------------------------- walking
def _walking(visit: Visit, note: str, width: int) -> Picture:
    walker = visit.walker
    assert walker is not None
    showing, end = walker.showing, walker.conclusion
    said = (*_step(visit, note, width),)
    if end is not None:
        number = len(walker.walk.taken)
        place = _bar((walker.guide.title, "bar-strong"), (say("guide", "verdict", number=number), "bar"))
        return Picture(place, said, paras=tuple(verdict_paras(walker)), heading=say("guide", "models" if end.models else "found"))
    number, about = showing.place.number, showing.place.about
    where, gauge = say("guide", "step", number=number, about=about), _gauge(number, about)
    place = _bar((walker.guide.title, "bar-strong"), (where, "bar"), (gauge, "bar-on"))
    heading = say("guide", _heading(visit))
    rows, first = _answers(visit)
    step = showing.step
    ask, hint = (step.ask, _hint(step)) if isinstance(step, Question) and not step.choices else (None, "")
    return Picture(place, said, rows, first, ask, hint, heading, tuple(_seen(visit)))


def _heading(visit: Visit) -> str:
    """What the paragraphs are: what was just seen, what is being said, what was seen before, or how a walk goes."""
    if visit.running and visit.heard:
        return "said"
    return "seen" if visit.seen else "seen_before" if visit.seen_so_far else "nothing_seen"


def _gauge(number: int, about: int) -> str:
    """A cell a step, the steps behind filled."""
    whole = min(about, 24)
    done = min(whole, (number - 1) * whole // max(1, about))
    return "█" * done + "·" * (whole - done)


def _step(visit: Visit, note: str, width: int) -> Iterator[Line]:
    assert visit.walker is not None
    step = visit.walker.showing.step
    if isinstance(step, End):
        kind, word = tables()["outcomes"][step.outcome.value]
        head = f" {SIGNS[kind].glyph} {word}: "
        for number, piece in enumerate(pieces(step.title, width - len(head) - 1)):
            yield line((" " * len(head) if number else head, SIGNS[kind].ink), (piece, "strong"))
    else:
        yield from _text(step.title, width, "head")
    yield from _text(step.text, width)
    for text, ink in _notes(visit, note):
        yield BLANK
        yield from _text(text, width, ink)


def _notes(visit: Visit, note: str) -> Iterator[Span]:
    if note:
        yield f"{SIGNS['warn'].glyph} {note}", "warn"
    if visit.resumed:
        yield say("guide", "resumed", count=visit.resumed), "busy"
    if visit.running:
        yield f"{SIGNS['running'].glyph} {say('guide', 'running', seconds=int(visit.elapsed_s))}", "busy"
    if visit.trouble:
        yield say("guide", "trouble", why=visit.trouble), "warn"


def _answers(visit: Visit) -> tuple[tuple[Row, ...], str]:
    assert visit.walker is not None
    match visit.walker.showing.step:
        case Question(choices=choices, default=default) if choices:
            return tuple(Row(f"answer:{each.key}", ((_capital(each.label), "strong"),)) for each in choices), f"answer:{default}"
        case Instruction():
            return (Row("go-on", ((say("guide", "go_on"), "strong"),)),), "go-on"
        case Check() if not visit.running:
            return (Row("check", ((say("guide", "check"), "strong"),)),), "check"
        case _:
            return (), ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _hint(step: Question) -> str:
    if step.default:
        return say("guide", "takes", default=step.default)
    what = say("guide", step.ask.value)
    return say("guide", "passes", what=what) if step.passed else what


def _seen(visit: Visit) -> Iterator[Para]:
    """What was heard while a check runs, then the checks since a person's last step, the latest first; else how this goes."""
    for text in visit.heard if visit.running else ():
        yield Para(text, "strong")
    checks = visit.seen or visit.seen_so_far
    if not checks and not visit.running:
        yield from (Para(text) for text in _how(visit))
    for title, seen in reversed(checks):
        sign = SIGNS[seen.status.value]
        yield Para(title, "strong", sign.text.ljust(SIGN_WIDTH), sign.ink)
        yield from (Para(text, indent=2) for text in seen.lines)
        yield from told_paras(seen.told, indent=2)
    step, world = visit.walker.showing.step if visit.walker is not None else None, visit.room.world
    if isinstance(step, Question) and step.ask is Ask.ADDRESS and world is not None and world.demo is not None:
        yield from (GAP, Para(say("guide", "no_logger", address=demo_logger(world)), "muted"))


def _how(visit: Visit) -> Iterator[str]:
    yield from tables()["guide"]["how"]
    demo = visit.launch().demo is not None
    if not visit.saving:
        yield say("guide", "how_demo" if demo else "how_unsaved")


# ------------------------------------------------------------------------------------------------------------------------- pages
def more(visit: Visit) -> Sequence[Para]:
    """Everything behind what is shown."""
    walker = visit.walker
    if walker is None:
        return (Para(say("guide", "choose_text")),)
    if walker.conclusion is not None:
        return tuple(verdict_paras(walker))
    step = walker.showing.step
    found: list[Para] = [Para(step.title, "head"), Para("" if isinstance(step, End) else step.text), GAP]
    for title, seen in visit.seen or visit.seen_so_far:
        sign = SIGNS[seen.status.value]
        found.append(Para(title, "strong", sign.text.ljust(SIGN_WIDTH), sign.ink))
        found += [Para(text, indent=2) for text in seen.lines]
        found += [*told_paras(seen.told, indent=2, whole=True), GAP]
    if not visit.seen_so_far:
        found.append(Para(say("guide", "no_more"), "muted"))
    return found


def way(visit: Visit) -> Sequence[Para]:
    """Every step of the walk."""
    walker = visit.walker
    if walker is None or not walker.trodden:
        return (Para(say("guide", "way_none"), "muted"),)
    lines = [f"{each.title} {_what(walker, each)}" for each in walker.trodden]
    return tuple(Para(text, "plain", f"{number:>2}  ", "muted") for number, text in enumerate(lines, 1))


def _what(walker: Walker, each: Trodden) -> str:
    """An answer in its own words, or how a test ended."""
    step = walker.guide.steps.get(each.step)
    if isinstance(step, Question):
        label = next((fill(choice.label, walker.known) for choice in step.choices if choice.key == each.what), each.what)
        return f"→ {label or say('guide', 'way_passed')}"
    return f"→ {SIGNS[each.what].word if each.what in SIGNS else say('guide', 'way_done')}"
