"""The page on which the site is named and a note is written; for the session of the moment and for earlier ones."""

from __future__ import annotations

from collections.abc import Mapping

from aetui.screens.history_words import say
from aetui.screens.inbound_form import Field, Form


def naming(name: str, note: str) -> Form[Mapping[str, str]]:
    """Gives ``name`` and ``note`` as they were typed."""
    fields = [
        Field("name", say("form", "name"), say("form", "name_help"), name),
        Field("note", say("form", "note"), say("form", "note_help"), note),
    ]
    return Form(say("form", "heading"), fields, lambda typed: typed)
