"""Every form of a report by its name, and the one function that makes one of a kept session. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from aetui.catalogue import Catalogue
from aetui.causes import Words
from aetui.entries import Kept
from aetui.report import csv, html, markdown, summary
from aetui.report.content import Content, content
from aetui.report.phrases import phrases
from aetui.report.redact import Redactor
from aetui.report.whole import whole

SHAPES: Mapping[str, Callable[[Content], str]] = {
    "text": summary.summary, "html": html.html, "markdown": markdown.markdown, "csv": csv.table,
}  # fmt: skip
"""Forms made from the content tree."""

FORMS = (*SHAPES, "json")


def made(form: str, kept: Kept, catalogue: Catalogue, words: Words, redact: bool = False) -> str:
    """A report. ``form`` is one of ``FORMS``."""
    redactor = Redactor(kept, catalogue) if redact else None
    if form == "json":
        document = whole(kept, catalogue, words)
        return json.dumps(redactor.tree(document) if redactor else document, indent=2)
    told = content(kept, catalogue, words)
    if redactor:
        labels = phrases()["about"]
        about = ((label, redactor.text(value)) for label, value in told.about)
        told = replace(redactor.tree(told), about=(*about, (labels["redacted"], labels["redacted_how"])))
    return SHAPES[form](told)
