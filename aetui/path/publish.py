"""A trace as JSON: schema ``aetui.trace/1`` (assets/trace.schema.json), the form that scripts and tickets read. Pure.

What the network said passes ``displayable``; nothing else is changed. Round trips are milliseconds with microsecond precision.
"""

from __future__ import annotations

from typing import Any

from aetui.display import displayable
from aetui.path import words
from aetui.path.records import Hop, Method, Mtu, Rtt, Trace
from aetui.records import Diagnosed

SCHEMA = "aetui.trace/1"
_METHODS = {Method.SCAPY: "scapy", Method.SOCKET: "socket", Method.VANTAGE: "socket", Method.REMOTE: "remote"}


def to_json(trace: Trace) -> dict[str, Any]:
    """The document."""
    compared = trace.compared_with
    return {
        "schema": SCHEMA,
        "target": displayable(trace.target),
        "address": trace.address,
        "port": trace.port,
        "proto": trace.proto.value,
        "method": _METHODS[trace.method],
        "reached": trace.reached,
        "outcome": trace.outcome.value,
        "rejected_by": trace.rejected_by,
        "hops": [_hop(hop) for hop in trace.hops],
        "dies_after": trace.dies_after,
        "suspects": list(trace.suspects),
        "compared_with": {"port": compared.port, "outcome": compared.outcome.value, "address": compared.address} if compared else None,
        "diagnosis": [_entry(entry) for entry in trace.diagnosis],
        "verdict": trace.verdict,
        "notes": list(trace.notes),
        "nat": trace.nat,
        "mtu": _mtu(trace.mtu) if trace.mtu else None,
        "problem": {"code": trace.problem.code, "detail": displayable(trace.problem.detail)} if trace.problem else None,
        "remark": words.remark_words(trace.remark) if trace.remark else None,
        "complete_ms": _ms(trace.complete_ms) if trace.complete_ms is not None else None,
    }


def _hop(hop: Hop) -> dict[str, Any]:
    return {
        "ttl": hop.ttl,
        "address": hop.address,
        "name": displayable(hop.name) if hop.name else None,
        "reply": hop.reply.value,
        "icmp": {"type": hop.icmp.type, "code": hop.icmp.code} if hop.icmp else None,
        "sent": hop.sent,
        "received": hop.received,
        "rtt_ms": _rtt(hop.rtt) if hop.rtt else None,
        "notes": list(hop.notes),
        "others": list(hop.others),
    }


def _rtt(rtt: Rtt) -> dict[str, float]:
    return {"min": _ms(rtt.min), "median": _ms(rtt.median), "max": _ms(rtt.max), "last": _ms(rtt.last), "jitter": _ms(rtt.jitter)}


def _mtu(mtu: Mtu) -> dict[str, Any]:
    steps = [{"address": address, "mtu": size} for address, size in mtu.steps]
    return {"path": mtu.path, "steps": steps, "black_hole_after": mtu.black_hole_after, "by_segment": mtu.by_segment}


def _entry(entry: Diagnosed) -> dict[str, Any]:
    return {
        "cause": entry.cause,
        "severity": entry.severity.value,
        "confidence": entry.confidence.value,
        "summary": entry.summary,
        "evidence": list(entry.evidence),
        "explains": list(entry.explains),
        "owner": entry.owner.value,
        "remedy": list(entry.remedy),
    }


def _ms(value: float) -> float:
    return round(value, 3)
