"""The Inbound tab's sentences, from assets/console-inbound.toml. As ``words``, which reads the file's commands and help too."""

from __future__ import annotations

from aetui.screens.words import Sentences

_OURS = Sentences.of("console-inbound.toml")
tables, say, known = _OURS.tables, _OURS.say, _OURS.known
