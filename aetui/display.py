"""The one function that makes text from outside displayable; nothing hostile reaches a screen, a terminal or a report but through it.

Control characters (C0, C1, DEL), line and paragraph separators, bidirectional controls, zero-width and other format characters, surrogates,
private-use and unassigned code points become visible escapes such as ``\\x1b``; the length is capped. The result is plain text: callers never
parse it as markup.
"""

from __future__ import annotations

import unicodedata

LONGEST = 200
"""Characters kept of one foreign text unless the caller says otherwise."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKS_IN_A_ROW = 4


def displayable(text: str | bytes, longest: int = LONGEST) -> str:
    """Plain, single-line, printable text of at most ``longest`` characters; bytes are read as UTF-8 with replacement."""
    if isinstance(text, bytes):
        text = text[: 4 * longest + 4].decode("utf-8", "replace")
    if len(text) <= longest and text.isascii() and text.isprintable():
        return text  # nearly all there is
    shown: list[str] = []
    length = marks = 0
    for character in text[: longest + 1]:
        marks = marks + 1 if unicodedata.combining(character) else 0
        piece = "" if marks > _MARKS_IN_A_ROW else _shown(character)
        length += len(piece)
        if length > longest:
            return "".join(shown)[: longest - 1] + "…"
        shown.append(piece)
    return "".join(shown)


def _shown(character: str) -> str:
    if character == " " or unicodedata.category(character) not in _HIDDEN:
        return character
    point = ord(character)
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
