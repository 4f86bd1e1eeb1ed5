"""A page over the tab that a person leaves with an answer: what every such page has in common.

Textual takes away whatever lies on top when a page is dismissed, so that a second Enter in one packet would take the page beneath, or end
the console. Here a page leaves once, and by itself alone. A question that nobody waits for any more may lie under another page or in
another tab: it leaves as soon as it is seen again.
"""

from __future__ import annotations

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

Answer = TypeVar("Answer")


class Sheet(ModalScreen[Answer]):
    """See the module."""

    withdrawn = False
    """True where nobody waits for the answer any more."""

    def dismiss(self, result: Answer | None = None) -> AwaitComplete:
        """Leave with an answer; nothing where another page is on top, or this one has left already. ``is_current`` would not do: it is
        true of a page that shows through the one on top."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def withdraw(self) -> None:
        """Leave without an answer, now or when it is seen again."""
        self.withdrawn = True
        self.dismiss(None)

    def on_screen_resume(self) -> None:
        """What lay over it is gone."""
        if self.withdrawn:
            self.dismiss(None)
