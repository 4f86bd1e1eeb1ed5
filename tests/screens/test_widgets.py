"""The console's own widgets: the cursor keeps to its row, only what changed is painted and sent, paragraphs wrap."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.control import Control
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult

from aetui.screens.glass import Glass, change
from aetui.screens.skin import SIGNS, ascii_only, fits_utf8
from aetui.screens.widgets.lines import Line, Lines, cut, line
from aetui.screens.widgets.page import Page, Para, pieces, wrapped
from aetui.screens.widgets.rows import Row, Rows


class Bench(App[None]):
    """One widget on a screen."""

    CSS = "Rows, Page, Lines { height: 6; width: 30; }"

    def __init__(self, widget: Lines) -> None:
        super().__init__()
        self.widget = widget

    def compose(self) -> ComposeResult:
        yield self.widget


def rows(*keys: str) -> list[Row]:
    """Rows by key; those in capitals are headings."""
    return [Row(key, ((key, "plain"),), stop=not key.isupper()) for key in keys]


async def test_the_cursor_stays_on_its_key_when_rows_come_in_above_it() -> None:
    widget = Rows(id="rows")
    async with Bench(widget).run_test(size=(40, 10)) as pilot:
        widget.focus()
        widget.show_rows(rows("a", "b", "c", "d"))
        await pilot.press("down", "down")
        assert widget.key == "c"
        widget.show_rows(rows("HEAD", "x", "y", "a", "b", "c", "d"))
        assert widget.key == "c"
        widget.show_rows(rows("HEAD", "x", "y", "a", "b"))
        assert widget.key == "b", "where its row is gone, the nearest"


async def test_an_unmoved_cursor_keeps_to_the_first_row_that_is_no_heading() -> None:
    widget = Rows(id="rows")
    async with Bench(widget).run_test(size=(40, 10)):
        widget.show_rows(rows("a", "b"))
        widget.show_rows(rows("HEAD", "root", "a", "b"))
        assert widget.key == "root"


async def test_keys_step_over_headings_and_stop_at_the_ends() -> None:
    widget = Rows(id="rows")
    async with Bench(widget).run_test(size=(40, 10)) as pilot:
        widget.focus()
        widget.show_rows(rows("HEAD", "a", "MORE", "b", "c"))
        await pilot.press("down")
        assert widget.key == "b"
        await pilot.press("up")
        assert widget.key == "a"
        await pilot.press("up")
        assert widget.key == "a"
        await pilot.press("end")
        assert widget.key == "c"
        await pilot.press("home")
        assert widget.key == "a"


@pytest.mark.parametrize("steps", [("pagedown",) * 4, ("end",), ("down",) * 30])
async def test_the_selected_row_is_always_in_sight(steps: tuple[str, ...]) -> None:
    widget = Rows(id="rows")
    async with Bench(widget).run_test(size=(40, 10)) as pilot:
        widget.focus()
        widget.show_rows(rows(*(f"r{n}" for n in range(20))))
        for step in steps:
            await pilot.press(step)
            index = next(n for n, row in enumerate(widget.rows) if row.key == widget.key)
            assert widget.top <= index < widget.top + widget.size.height
        assert widget.key == "r19"


async def test_only_lines_that_changed_are_painted_again() -> None:
    widget = Lines([line((f"line {n}", "plain")) for n in range(6)])
    async with Bench(widget).run_test(size=(40, 10)) as pilot:
        await pilot.pause()
        asked: list[object] = []
        widget.refresh = lambda *regions, **_: asked.extend(regions) or widget  # type: ignore[method-assign,assignment,func-returns-value]
        widget.show(list(widget.lines))
        assert not asked, "the same again costs nothing"
        widget.show([*widget.lines[:3], line(("other", "plain")), *widget.lines[4:]])
        assert [(r.y, r.height) for r in asked] == [(3, 1)]  # type: ignore[attr-defined]


def heard(messages: list[object]) -> list[str]:
    """The keys that were chosen."""
    return list(dict.fromkeys(message.key for message in messages if isinstance(message, Rows.Chosen)))


async def test_a_click_selects_and_a_second_one_chooses() -> None:
    widget = Rows(id="rows")
    messages: list[object] = []
    async with Bench(widget).run_test(size=(40, 10), message_hook=messages.append) as pilot:
        widget.show_rows(rows("a", "b"))
        await pilot.click(widget, offset=(3, 1))
        assert widget.key == "b"
        assert not heard(messages)
        await pilot.click(widget, offset=(3, 1))
        assert heard(messages) == ["b"]


async def test_a_page_scrolls_to_its_end_and_no_further() -> None:
    widget = Page([Para(f"line {n}") for n in range(10)])
    async with Bench(widget).run_test(size=(40, 10)) as pilot:
        widget.focus()
        await pilot.press("end")
        assert widget.top == 10 - widget.size.height
        await pilot.press("down", "home")
        assert widget.top == 0


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Mn", "Me"]), max_size=200), st.integers(4, 40))
def test_no_piece_is_wider_than_its_line_and_no_word_is_lost(text: str, width: int) -> None:
    from rich.cells import cell_len

    found = pieces(text, width)
    assert all(cell_len(piece) <= width for piece in found)
    assert "".join("".join(found).split()) == "".join(text.split())


def test_further_lines_of_a_paragraph_stand_under_its_first() -> None:
    shown = [each.text for each in wrapped([Para("one two three", lead="1. ", indent=2)], 12)]
    assert shown == ["  1. one two", "     three"]


@pytest.mark.parametrize(("text", "width", "expected"), [("abc", 5, "abc  "), ("abcdef", 4, "abc…"), ("", 2, "  "), ("abc", 0, "")])
def test_cut_text_fills_its_column_exactly(text: str, width: int, expected: str) -> None:
    assert cut(text, width) == expected


@given(st.text(max_size=60))
def test_ascii_takes_as_many_cells_as_what_it_stands_for(text: str) -> None:
    from rich.cells import cell_len

    plain = ascii_only(text)
    assert plain.isascii()
    assert cell_len(plain) == cell_len(text)


def test_no_two_statuses_look_alike_without_colour_in_either_skin() -> None:
    for show in (str, ascii_only):
        texts = [show(sign.text) for sign in SIGNS.values()]
        assert len(set(texts)) == len(texts)
        assert all(len(sign.word) <= 8 for sign in SIGNS.values())


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "", None])
def test_only_utf8_gets_more_than_ascii(encoding: str | None) -> None:
    assert not fits_utf8(encoding)
    assert fits_utf8("utf-8")
    assert fits_utf8("UTF8")


# ------------------------------------------------------------------------------------------------------------------- the glass
WIDTH, HEIGHT = 20, 5
STYLES = [Style.parse(s) for s in ("none", "bold red", "on blue", "underline", "reverse white on red", "dim")]
Run = tuple[int, int, str, Style]
RUNS = st.lists(
    st.tuples(st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1), st.text("ab ü漢·", max_size=12), st.sampled_from(STYLES)), max_size=8
)


class Update:
    """What Textual hands over: cursor moves and styled text."""

    def __init__(self, runs: list[tuple[int, int, str, Style]]) -> None:
        self.runs = runs

    def __rich_console__(self, console: Console, options: object) -> object:
        from rich.cells import cell_len, set_cell_size

        for x, y, text, style in self.runs:
            yield Control.move_to(x, y).segment
            yield Segment(set_cell_size(text, min(WIDTH - x, cell_len(text))), style)


def terminal() -> tuple[pyte.Screen, pyte.Stream]:
    """A terminal that understands what is sent."""
    real = pyte.Screen(WIDTH, HEIGHT)
    return real, pyte.Stream(real)


def cells(real: pyte.Screen) -> list[tuple[object, ...]]:
    """What is seen: of a space only what shows."""
    found = []
    for y in range(HEIGHT):
        for x in range(WIDTH):
            c = real.buffer[y][x]
            blank = c.data == " " and not (c.reverse or c.underscore)
            found.append((c.data, None if blank else c.fg, c.bg, False if blank else c.bold, c.reverse, c.underscore))
    return found


@settings(max_examples=150, deadline=None)
@given(st.lists(RUNS, max_size=5))
def test_a_terminal_that_gets_only_differences_shows_the_same_as_one_that_gets_everything(updates: list[list[Run]]) -> None:
    console = Console(force_terminal=True, color_system="truecolor", width=WIDTH, legacy_windows=False)
    glass, whole = Glass(), Glass()
    (thrifty, thrifty_in), (lavish, lavish_in) = terminal(), terminal()
    clear = [(0, y, " " * WIDTH, STYLES[0]) for y in range(HEIGHT)]
    for update in [clear, *updates]:
        thrifty_in.feed(glass.sift(Update(update), console, (WIDTH, HEIGHT)).text)
        whole.sift(Update(update), console, (WIDTH, HEIGHT))
        pieces: list[str] = []
        for y in range(HEIGHT):
            whole._line(y, list(range(WIDTH)), None, pieces)
        lavish_in.feed(f"\x1b[2J{''.join(pieces)}\x1b[0m")
        assert cells(thrifty) == cells(lavish)


def test_the_same_update_twice_sends_nothing_the_second_time() -> None:
    console = Console(force_terminal=True, color_system="truecolor")
    glass = Glass()
    update = Update([(2, 1, "ready", STYLES[1])])
    assert "ready" in glass.sift(update, console, (WIDTH, HEIGHT)).text
    assert not glass.sift(update, console, (WIDTH, HEIGHT)).text
    glass.forget()
    assert "ready" in glass.sift(update, console, (WIDTH, HEIGHT)).text


@pytest.mark.parametrize(
    ("before", "after", "sent"),
    [
        (None, ("", "", ""), "\x1b[0m"),
        (("1", "31", ""), ("1", "31", ""), ""),
        (("", "31", "44"), ("", "32", "44"), "\x1b[32m"),
        (("", "31", "44"), ("", "", "44"), "\x1b[39m"),
        (("", "31", "44"), ("", "31", ""), "\x1b[49m"),
        (("1", "31", ""), ("", "31", ""), "\x1b[22m"),
        (("1;2", "", ""), ("2", "", ""), "\x1b[22;2m"),
        (("4", "", ""), ("7", "31", ""), "\x1b[24;7;31m"),
    ],
)
def test_colours_are_sent_only_where_they_change(before: tuple[str, str, str] | None, after: tuple[str, str, str], sent: str) -> None:
    assert change(before, after) == sent


def test_a_line_without_spans_is_empty() -> None:
    assert line(("", "plain")) == Line()


def test_every_kind_of_check_has_a_name_on_the_screen() -> None:
    from aetui.probes import PROBES
    from aetui.screens.words import tables

    assert set(PROBES) <= set(tables()["kinds"])
