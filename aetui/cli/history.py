"""``aetui history``: earlier sessions, to list, search, name, delete and export. Its file belongs to its user alone.

Exit status: 0 done, 1 nothing found by a search, 2 wrong usage (no such session), 3 the history cannot be used.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from aetui.cli.common import refuse, trouble
from aetui.cli.keeping import LONGEST_NAME, LONGEST_NOTE
from aetui.cli.main import Exit
from aetui.display import displayable

if TYPE_CHECKING:
    from aetui.store import History, Summary

LISTED = 40
"""Sessions listed unless told otherwise: two screens."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "SESSION is an id, the beginning of one, a site's name, or 'latest'."
    parser.add_argument(
        "--search", default="", metavar="TEXT", help="only sessions that hold every word: site, note, equipment, verdict, cause, date"
    )
    parser.add_argument("--limit", type=int, default=LISTED, metavar="N", help=f"how many to list (default {LISTED}; 0 for all)")
    parser.add_argument("--json", action="store_true", help="the list as JSON")
    doing = parser.add_mutually_exclusive_group()
    doing.add_argument("--name", nargs=2, metavar=("SESSION", "NAME"), help="give a session the site's name")
    doing.add_argument("--note", nargs=2, metavar=("SESSION", "TEXT"), help="give a session a note")
    doing.add_argument("--delete", nargs="+", metavar="SESSION", help="forget sessions for good")
    doing.add_argument("--export", metavar="SESSION", help="a whole session as JSON (schema aetui.session/1)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="with --export: the file to write, in place of standard output")


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    from aetui.store import StoreError, UnknownSession, opened

    if arguments.output and not arguments.export:
        return refuse("--output goes with --export")
    try:
        with opened() as history:
            return _do(history, arguments)
    except UnknownSession as unknown:
        return refuse(str(unknown))
    except StoreError as error:
        return trouble(str(error))


def _do(history: History, arguments: argparse.Namespace) -> int:
    if arguments.name:
        history.rename(history.find(arguments.name[0]).id, displayable(arguments.name[1], LONGEST_NAME))
    elif arguments.note:
        history.annotate(history.find(arguments.note[0]).id, displayable(arguments.note[1], LONGEST_NOTE))
    elif arguments.delete:
        for identity in dict.fromkeys([history.find(named).id for named in arguments.delete]):
            history.delete(identity)
    elif arguments.export:
        from aetui.cli.output import give

        return give(json.dumps(history.export(history.find(arguments.export).id), indent=1), arguments.output)
    else:
        return _list(history, arguments)
    return Exit.READY


def _list(history: History, arguments: argparse.Namespace) -> int:
    found = history.sessions(arguments.search, arguments.limit or None)
    if arguments.json:
        print(json.dumps([_json(summary, history) for summary in found], indent=1))
    else:
        print("\n".join(_lines(found, history.count(), bool(arguments.search))))
    return Exit.READY if found or not arguments.search else Exit.FAILED


def _lines(found: list[Summary], total: int, searched: bool) -> Iterator[str]:
    for summary in found:
        about = summary.about
        yield f"{summary.id}  {summary.started.astimezone():%Y-%m-%d %H:%M}  {_state(summary)}"
        where = f"from {summary.vantage.kind} {displayable(summary.vantage.name, 40)}"
        yield f"    {displayable(about.name, 60) or '(no name)'}: {' '.join([about.command, *summary.equipment])}, {where}"
        if summary.causes:
            yield f"    {', '.join(summary.causes)}"
        if about.note:
            yield f"    {displayable(about.note, 100)}"
    if not found:
        yield "nothing found" if searched else "no sessions yet"
    elif total > len(found) and not searched:
        yield f"{total - len(found)} older ones: --limit 0 lists all, --search finds one"


def _state(summary: Summary) -> str:
    ended = "" if summary.ended == "done" else f", {ENDED.get(summary.ended or '', summary.ended)}"
    held = f", {summary.passed} of {summary.checks} checks hold" if summary.checks else ""
    counts = (("trace", summary.traces), ("try from outside", summary.looks), ("knock", summary.knocks), ("answer", summary.answers))
    beside = "".join(f", {count} {_several(word, count)}" for word, count in counts if count)
    verdict = summary.verdict.value.upper() if summary.judged else summary.about.command
    return f"{verdict}{held}{beside}{ended}"


def _several(word: str, count: int) -> str:
    return word if count == 1 else "tries from outside" if word.startswith("try") else f"{word}s"


ENDED = {"": "did not end", "deadline": "the time was up", "cancelled": "stopped", "vantage-lost": "the way there was lost"}


def _json(summary: Summary, history: History) -> dict[str, object]:
    """One session. As in a report, ``verdict`` and ``causes`` are those of its checks and ``overall`` is over everything that it holds; a
    session without checks has but the one.
    """
    from aetui.report.json import timestamp, vantage_json

    about, verdict, causes = summary.about, summary.verdict, summary.causes
    if summary.checks:
        told = history.diagnosis(summary.id)
        verdict, causes = told.verdict, tuple(dict.fromkeys(finding.cause for finding in told.findings))
    return {
        "session": summary.id, "started": timestamp(summary.started), "command": about.command, "name": about.name, "note": about.note,
        "equipment": list(summary.equipment), "vantage": vantage_json(summary.vantage), "verdict": verdict.value,
        "causes": list(causes), "overall": summary.verdict.value, "overall_causes": list(summary.causes),
        "passed": summary.passed, "checks": summary.checks,
        "judged": summary.judged, "traces": summary.traces, "looks": summary.looks, "knocks": summary.knocks, "answers": summary.answers,
        "elapsed_ms": round(summary.elapsed_ms, 1),
        "ended": summary.ended, "version": about.tool,
        "catalogue": {"version": about.catalogue, "sha256": about.sha256, "changes": list(about.changes)},
    }  # fmt: skip
