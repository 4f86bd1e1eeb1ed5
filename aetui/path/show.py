"""A trace as plain lines, for a terminal without a screen and for a mail. Pure; every foreign word is displayable before it stands
here.
"""

from __future__ import annotations

from collections.abc import Iterator

from aetui.display import displayable
from aetui.observations import Outcome
from aetui.path import words
from aetui.path.records import Compared, Hop, Proto, ReplyKind, Trace

NAME_WIDTH = 40
_SHORT = {
    ReplyKind.SYN_ACK: "open",
    ReplyKind.RST: "reset",
    ReplyKind.ANSWER: "answers",
    ReplyKind.TIME_EXCEEDED: "",
    ReplyKind.UNREACHABLE: "",
    ReplyKind.SILENT: "",
}


def lines(trace: Trace) -> Iterator[str]:
    """The verdict and whose device it is likely about, the hops beside those of the working port, and what follows from it."""
    yield next((entry.summary for entry in trace.diagnosis if entry.summary.startswith(trace.verdict)), trace.verdict)
    if trace.hops:
        yield ""
        yield from _table(trace)
    if trace.mtu is not None:
        yield ""
        yield from _sizes(trace)
    for entry in trace.diagnosis:
        yield ""
        yield f"{entry.title} ({entry.confidence.value})"
        yield from (f"  {sentence}" for sentence in entry.evidence)
        yield from (f"  -> {step}" for step in entry.remedy)
    told = list(dict.fromkeys(note for hop in trace.hops for note in hop.notes))
    if told:
        yield ""
        yield from (f"{words.note_short(code)}: {words.note_text(code)}" for code in told)


def remark(trace: Trace) -> str:
    """Why the better engine was not used; empty for nothing to say."""
    return words.remark_words(trace.remark) if trace.remark is not None else ""


def _table(trace: Trace) -> Iterator[str]:
    for hop in trace.hops:
        yield _row(hop, _mark(trace, hop))
    met = {hop.ttl for hop in trace.hops if hop.address}
    further = [hop for hop in trace.working if hop.ttl not in met and (hop.address or hop.ttl > len(trace.hops))]
    if further and trace.compared_with is not None:
        yield f"     by {_beside(trace, trace.compared_with)}:"
        yield from (_row(hop, "") for hop in further)


def _beside(trace: Trace, compared: Compared) -> str:
    """What the further hops were met by."""
    where = "" if compared.address in {None, trace.address} else f" of {compared.address}"
    how = "which works" if compared.outcome is Outcome.OPEN else f"which ends as {compared.outcome.value}"
    return f"{words.port_words(Proto.TCP, compared.port)}{where}, {how}"


def _mark(trace: Trace, hop: Hop) -> str:
    return " <- the last that answers" if hop.ttl == trace.dies_after else ""


def _row(hop: Hop, mark: str) -> str:
    where = hop.address or "*"
    if hop.name:
        where += f" ({displayable(hop.name, NAME_WIDTH)})"
    said = [_SHORT[hop.reply]]
    if hop.reply is ReplyKind.UNREACHABLE and hop.icmp is not None and hop.address:
        said.append(words.icmp_words(hop.icmp, 6 if ":" in hop.address else 4))
    said += [words.note_short(code) for code in hop.notes]
    said += [f"also {', '.join(hop.others)}"] if hop.others else []
    return f"{hop.ttl:>3}  {where:<28} {_times(hop):>24}  {', '.join(filter(None, said))}{mark}".rstrip()


def _times(hop: Hop) -> str:
    if hop.rtt is None:
        return "silent" if hop.sent else ""
    lost = f" {hop.received}/{hop.sent}" if hop.received < hop.sent else ""
    spread = f" ({hop.rtt.min:.1f}-{hop.rtt.max:.1f})" if hop.received > 1 else ""
    return f"{hop.rtt.median:.1f} ms{spread}{lost}"


def _sizes(trace: Trace) -> Iterator[str]:
    assert trace.mtu is not None
    yield words.say("size", "path", mtu=trace.mtu.path)
    yield from (words.say("size", "step", address=address, mtu=size) for address, size in trace.mtu.steps)
    if trace.mtu.black_hole_after is not None:
        yield words.say("size", "black-hole", ttl=trace.mtu.black_hole_after, mtu=trace.mtu.path)
    if trace.mtu.by_segment is not None:
        yield words.say("size", "segment", mtu=trace.mtu.by_segment)
