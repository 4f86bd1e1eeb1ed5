"""The Path tab's sentences, from assets/console-path.toml. As ``words``, which reads the file's commands and help too."""

from __future__ import annotations

from aetui.screens.words import Sentences

_OURS = Sentences.of("console-path.toml")
tables, say = _OURS.tables, _OURS.say
