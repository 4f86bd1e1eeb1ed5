"""Keys in turn: the next one is looked at once the one before it has done what it does.

Textual asks for the bindings with priority as soon as a key arrives, while the key before it still waits in a widget's queue, and it chooses
who gets a key before the last one has moved the focus or opened a page. Over a bad line several keys arrive in one packet: 'down, down,
Enter' would take the first entry of a list, and Enter would overtake the address that was typed before it. Ctrl+C waits for nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from textual.app import ScreenStackError
from textual.events import Event, Key, Paste

if TYPE_CHECKING:
    from textual.app import App
    from textual.dom import DOMNode

LONGEST_S = 0.25
"""Seconds for which a key holds the next one up, whatever has become of it: the widget that had it may be gone."""
LOOK_AGAIN_S = 0.002
"""A page that was opened by the last key is waited for in steps of this."""
LAPS = 2
"""How often a key's way up is gone: once behind the key itself, once behind what its action has set going in the widgets."""
AT_ONCE = frozenset({"ctrl+c"})


def typed(event: Event) -> bool:
    """True for what comes from the keyboard and has not been given to a widget yet."""
    return isinstance(event, Key | Paste) and not event.is_forwarded


def now() -> float:
    """Seconds on the clock that stamps events."""
    return Event().time


class Keys:
    """Gives what was typed to the app, one after the other. ``give`` is what the app does with an event."""

    def __init__(self, app: App[Any], give: Callable[[Event], Awaitable[None]]) -> None:
        self._app, self._give = app, give
        self._waiting: deque[Event] = deque()
        self._at: Event | None = None
        self._limit: asyncio.TimerHandle | None = None

    @property
    def typed_at(self) -> float:
        """When the key was typed that is being dealt with, on ``now``'s clock; now, where it is something else that happens."""
        return self._at.time if self._at is not None else now()

    async def take(self, event: Event) -> None:
        """What was typed: now where nothing is before it, else in its turn."""
        if isinstance(event, Key) and event.key in AT_ONCE:
            self._waiting.clear()
            await self._give(event)
            return
        self._waiting.append(event)
        if self._at is None:
            await self._go_on()

    async def _go_on(self) -> None:
        while self._waiting and self._at is None:
            event = self._at = self._waiting.popleft()
            target = self._target()
            await self._give(event)
            if event.is_forwarded or self._opening():
                self._limit = asyncio.get_running_loop().call_later(LONGEST_S, self._end, event)
                self._follow(target, target, event, LAPS if event.is_forwarded else 1)
            else:
                self._at = None

    def _target(self) -> DOMNode | None:
        with suppress(ScreenStackError):  # the app is ending
            return self._app.focused or self._app.screen
        return None

    def _opening(self) -> bool:
        """True while the page on top is not there yet."""
        with suppress(ScreenStackError):
            return not self._app.screen.is_mounted
        return False

    def _follow(self, node: DOMNode | None, target: DOMNode | None, event: Event, laps: int) -> None:
        """Stand behind the key in every queue that it passes on its way up; where one is closed, in the next."""
        while node is not None and node is not self._app:
            if node.call_later(self._follow, node.parent, target, event, laps):
                return
            node = node.parent
        if self._at is event:
            self._app.call_later(self._arrived, target, event, laps - 1)

    def _arrived(self, target: DOMNode | None, event: Event, laps: int) -> None:
        """The key has been through; a page that it opened takes its place, and the focus, before the next."""
        if self._at is not event:
            return
        if laps:
            self._follow(target, target, event, laps)
        elif self._opening():
            asyncio.get_running_loop().call_later(LOOK_AGAIN_S, self._arrived, target, event, 0)
        else:
            self._end(event)

    def _end(self, event: Event) -> None:
        if self._at is event:
            self._app.call_later(self._over, event)

    async def _over(self, event: Event) -> None:
        if self._at is event:
            self._at = None
            if self._limit is not None:
                self._limit.cancel()
            await self._go_on()
