"""What a jump host asks while it is being opened, on the screen: an unknown host key, a password. ``vantage.asker.Asker`` for the
console.

What is typed goes to the asker's caller and nowhere else. Closing a question declines it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from aetui.screens.picker import Entry, Picker
from aetui.screens.sheet import Sheet
from aetui.screens.widgets.bars import KeyBar
from aetui.screens.widgets.lines import Lines, line
from aetui.screens.widgets.page import Page, Para
from aetui.screens.words import say, tables
from aetui.vantage.asker import Accept, HostKeyQuestion, SecretKind, SecretQuestion

if TYPE_CHECKING:
    from textual.app import App


class ScreenAsker:
    """Asks on the console's screen."""

    def __init__(self, app: App[Any]) -> None:
        self.app = app

    async def host_key(self, question: HostKeyQuestion) -> Accept:
        """What to do with an unknown host key; refused where the person goes back."""
        entries = [Entry(choice.value, *tables()["asks"][choice.value]) for choice in (Accept.REFUSE, Accept.ONCE, Accept.ADD)]
        chosen = await self._ask(Picker(say("asks", "key"), say("asks", "key_help"), entries, said=question.text))
        return Accept(chosen[0]) if chosen else Accept.REFUSE

    async def secret(self, question: SecretQuestion) -> str | None:
        """What was typed, or None."""
        answer: str | None = await self._ask(SecretSheet(question.text, shown=question.echo, heading=_heading(question)))
        return answer

    async def _ask(self, sheet: Sheet[Any]) -> Any:
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def take(answer: Any) -> None:
            if not answered.done():
                answered.set_result(answer)

        def show() -> None:
            self.app.push_screen(sheet, take)

        self.app.call_later(show)  # the one who asks is a task of the jump host's, outside of Textual's context
        try:
            return await answered
        except asyncio.CancelledError:
            self.app.call_later(sheet.withdraw)
            raise


def _heading(question: SecretQuestion) -> str:
    """Key of what stands over the line."""
    return "login" if question.kind in {SecretKind.FTP_USER, SecretKind.FTP_PASSWORD} else "secret"


class SecretSheet(Sheet[str | None]):
    """A question and a line to type the answer in."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "decline", "Decline", key_display="Esc")]

    def __init__(self, question: str, *, shown: bool, heading: str = "secret") -> None:
        super().__init__()
        self.heading = heading
        self.question = question
        self.shown = shown

    def compose(self) -> ComposeResult:
        """Question, line, help."""
        with Vertical(id="sheet"):
            yield Lines([line((" ", "bar"), (say("asks", self.heading), "bar-strong"))], id="sheet-title")
            yield Page([Para(self.question, "strong")], id="sheet-question")
            yield Input(password=not self.shown, id="sheet-input")
            yield Lines([line((" ", "plain"), (say("asks", "secret_help"), "muted"))])
        yield KeyBar()

    def on_mount(self) -> None:
        """Type at once; nothing blinks."""
        field = self.query_one(Input)
        field.cursor_blink = False
        field.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        self.dismiss(event.value)

    def action_decline(self) -> None:
        """Esc."""
        self.dismiss(None)
