"""The sentences of the History tab and of reports made from the console, from assets/console-history.toml. As ``words``."""

from __future__ import annotations

from aetui.screens.words import Sentences

_OURS = Sentences.of("console-history.toml")
tables, say, pair = _OURS.tables, _OURS.say, _OURS.pair
