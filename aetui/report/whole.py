"""A kept session as the JSON report, with what the journal holds besides: name, note, traces, knocks, inbound checks, guide answers.
Pure.
"""

from __future__ import annotations

from typing import Any

from aetui.catalogue import Catalogue
from aetui.causes import Words
from aetui.entries import Answered, Checked, Concluded, InboundDone, Kept, Walked, WentBack
from aetui.path.publish import to_json
from aetui.report.inbound import knock_json
from aetui.report.json import plain, report
from aetui.tally import tally_of


def whole(kept: Kept, catalogue: Catalogue, words: Words) -> dict[str, Any]:
    """The document: schema ``aetui.report/1``, versions as they were when the session ran. ``answers`` holds every answer that was given;
    ``walk`` tells which of them were taken back.
    """
    about = kept.about
    return report(kept.state, catalogue, words) | {
        "version": about.tool,
        "catalogue": {"version": about.catalogue, "sha256": about.sha256, "changes": list(about.changes)},
        "name": about.name,
        "note": about.note,
        "command": about.command,
        "traces": [to_json(done.trace) for done in kept.traces],
        "knocks": [knock_json(entry.knock) for entry in kept.knocks],
        "inbound": [_inbound(done) for done in kept.inbound],
        "answers": [_answer(entry) for entry in kept.walk if isinstance(entry, Answered)],
        "walk": [_walked(entry) for entry in kept.walk],
        "overall": tally_of(kept).verdict(kept.state).value,
        "unread": kept.unread,
    }


def _inbound(done: InboundDone) -> dict[str, Any]:
    return {"at_ms": round(done.at, 1), "seen": plain(done.seen), "diagnosis": [plain(entry) for entry in done.diagnosis]}


def _answer(entry: Answered) -> dict[str, Any]:
    return {
        "at_ms": round(entry.at, 1), "guide": entry.guide, "step": entry.step, "question": entry.question, "answer": entry.answer,
    }  # fmt: skip


def _walked(entry: Walked) -> dict[str, Any]:
    """A step of a guide, whether it counts in the end or was taken back."""
    common = {"at_ms": round(entry.at, 1), "guide": entry.guide, "step": entry.step}
    match entry:
        case Answered():
            return {"kind": "answer", **common, "question": entry.question, "answer": entry.answer}
        case Checked():
            return {
                "kind": "check", **common, "title": entry.title, "status": entry.status.value, "signs": list(entry.signs),
                "diagnosis": [plain(told) for told in entry.told], "lines": list(entry.lines), "facts": dict(entry.facts),
                "elapsed_ms": round(entry.elapsed_ms, 1),
            }  # fmt: skip
        case WentBack():
            return {"kind": "back", **common}
        case Concluded():
            return {
                "kind": "verdict", **common, "verdict": entry.outcome.value, "title": entry.title, "text": entry.text, "now": list(entry.now),
                "hand": [{"to": whom, "what": what} for whom, what in entry.hand],
            }  # fmt: skip
