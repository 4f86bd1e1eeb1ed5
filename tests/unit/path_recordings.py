"""Recorded traces as data: tests/unit/traces/*.toml read into ``Recording`` and what is expected of them.

A hop line is ``TTL KIND [ADDRESS [RTT_MS]] [key=value…]`` with the keys ``icmp=T/C``, ``mtu=N``, ``ttl=N`` (the reply's own),
``sent=N`` and ``heard=N`` (so many probes, of which so many answered, the last ones first lost), ``round=N``, ``flow=N`` and
``quoted=SOURCE:PORT>DESTINATION:PORT``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aetui.observations import Icmp
from aetui.path.records import Flow, Heard, Method, Problem, Proto, Recording, ReplyKind, Shot
from aetui.wire.icmp import Quoted

TRACES = Path(__file__).parent / "traces"


@dataclass(frozen=True)
class Case:
    name: str
    recording: Recording
    compared: Recording | None
    gateway: str | None
    toward_site: bool
    expect: dict[str, Any]


def cases() -> list[Case]:
    return [case for file in sorted(TRACES.glob("*.toml")) for case in _read(file)]


def _read(file: Path) -> Iterator[Case]:
    for entry in tomllib.loads(file.read_text())["case"]:
        compared = {**entry, **entry["compared"]} if "compared" in entry else None
        yield Case(
            f"{file.stem}: {entry['rule']}",
            recording(entry),
            recording(compared) if compared else None,
            entry.get("gateway"),
            entry.get("toward_site", False),
            entry["expect"],
        )


def recording(entry: dict[str, Any]) -> Recording:
    flow = Flow(entry["target"], entry.get("port"), Proto(entry.get("proto", "tcp")), entry.get("source_port", 0))
    shots = tuple(shot for line in entry["hops"] for shot in _shots(line))
    problem = Problem(*entry["problem"]) if "problem" in entry else None
    return Recording(entry["target"], flow, Method.SCAPY, shots, entry.get("own"), entry.get("last", 30), problem)


def _shots(line: str) -> Iterator[Shot]:
    words = [word for word in line.split() if "=" not in word]
    options = dict(word.split("=", 1) for word in line.split() if "=" in word)
    ttl, kind = int(words[0]), ReplyKind(words[1])
    sent = int(options.get("sent", 1))
    heard = int(options.get("heard", 0 if kind is ReplyKind.SILENT else sent))
    first, flow = int(options.get("round", 0)), int(options.get("flow", 0))
    for number in range(sent):
        reply = _heard(kind, words, options) if number * heard // sent != (number + 1) * heard // sent else None
        yield Shot(ttl, 1000.0 * (first + number), reply, first + number, flow)


def _heard(kind: ReplyKind, words: list[str], options: dict[str, str]) -> Heard:
    sender = words[2]
    icmp = None
    if kind is ReplyKind.TIME_EXCEEDED:
        icmp = Icmp(3, 0, sender) if ":" in sender else Icmp(11, 0, sender)
    elif "icmp" in options:
        kind_number, code = map(int, options["icmp"].split("/"))
        icmp = Icmp(kind_number, code, sender, int(options["mtu"]) if "mtu" in options else None)
    rtt = float(words[3]) if len(words) > 3 else 1.0
    return Heard(kind, sender, rtt, icmp, int(options["ttl"]) if "ttl" in options else None, _quoted(options.get("quoted")))


def _quoted(text: str | None) -> Quoted | None:
    if text is None:
        return None
    source, destination = text.split(">")
    (source_address, source_port), (destination_address, destination_port) = source.rsplit(":", 1), destination.rsplit(":", 1)
    return Quoted(4, source_address, destination_address, 1, 6, source_port=int(source_port), destination_port=int(destination_port))
