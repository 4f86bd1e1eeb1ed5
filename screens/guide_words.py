"""The sentences of the Guide and Site tabs, from assets/console-guide.toml. As ``words``, which reads the file's commands and help too."""

from __future__ import annotations

from aetui.screens.words import Sentences

_OURS = Sentences.of("console-guide.toml")
tables, say, known = _OURS.tables, _OURS.say, _OURS.known
