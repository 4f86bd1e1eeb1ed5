"""What other systems' path tools print, read into shots: traceroute (Linux, BusyBox, inetutils, BSD) and tracepath. Pure; text in,
records out.

Lines that are none of a hop's are passed over, so that a banner, a warning or another version's extra line does no harm. Round trips
are milliseconds. Addresses only: both tools are run with ``-n``. A mark after a time tells of an ICMP unreachable: ``!H`` host, ``!N``
net, ``!P`` protocol, ``!X`` prohibited, ``!<n>`` code n (traceroute(8)).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from aetui.observations import Icmp
from aetui.path.records import Heard, Proto, ReplyKind, Shot

MOST_TTL = 255
_HOP = re.compile(r"^\s*(\d{1,3})(?:\?)?:?\s+(\S.*)$")
_WORD = re.compile(r"\S+")
_TIME = re.compile(r"^(\d{1,6}(?:\.\d{1,6})?)(ms)?$")
_MARKS = {"!H": 1, "!N": 0, "!P": 2, "!X": 13, "!F": 4, "!S": 5, "!C": 3, "!V": 14, "!A": 10}
_CODE = re.compile(r"^!<?(\d{1,3})>?$")
_FLAGS = {"rst": ReplyKind.RST, "syn": ReplyKind.SYN_ACK}
"""Of the TCP flags that ``traceroute -O info`` prints: ``<syn,ack>``, ``<rst,ack>``."""
_PATH_MTU = re.compile(r"pmtu (\d{2,5})")


@dataclass(frozen=True, slots=True)
class Remote:
    """What one run of a tool told."""

    shots: tuple[Shot, ...]
    mtu: int | None = None
    """The path's MTU, where tracepath says it."""


def parse_traceroute(text: str, target: str, proto: Proto) -> Remote:
    """traceroute's output: a line a TTL, one or several probes each."""
    found = [shot for line in text.splitlines() for shot in _traceroute_line(line, target, proto)]
    return Remote(tuple(found))


def parse_tracepath(text: str, target: str) -> Remote:
    """tracepath's output: ``TTL: address 0.1ms [reached]``, ``TTL: no reply``, ``TTL?: [LOCALHOST]``, ``Resume: pmtu N …``."""
    shots: dict[int, Shot] = {}
    for line in text.splitlines():
        shot = _tracepath_line(line, target)
        if shot is not None and (shot.heard is not None or shot.ttl not in shots):
            shots[shot.ttl] = shot
    sizes = _PATH_MTU.findall(text)
    return Remote(tuple(shots[ttl] for ttl in sorted(shots)), int(sizes[-1]) if sizes else None)


def _traceroute_line(line: str, target: str, proto: Proto) -> Iterator[Shot]:
    matched = _HOP.match(line)
    if matched is None or not 1 <= int(matched[1]) <= MOST_TTL:
        return
    ttl, words = int(matched[1]), _WORD.findall(matched[2])
    if words[0] != "*" and _address(words[0]) is None:
        return
    sender = ""
    for number, word in enumerate(words):
        sender = _address(word) or sender
        if word == "*":
            yield Shot(ttl, 0.0)
        elif (time := _TIME.match(word)) and sender and (time[2] or words[number + 1 : number + 2] == ["ms"]):
            after = words[number + (1 if time[2] else 2) :]
            flags = next((w for w in words if w.startswith("<")), "")
            yield Shot(ttl, 0.0, _heard(sender, float(time[1]), target, proto, mark=after[0] if after else "", flags=flags))


def _heard(sender: str, rtt_ms: float, target: str, proto: Proto, *, mark: str, flags: str) -> Heard | None:
    """None where the target answered a SYN and the tool does not say how: open and refused would look alike."""
    version = ip_address(sender).version
    code = _MARKS.get(mark)
    if code is None and (numbered := _CODE.match(mark)):
        code = int(numbered[1])
    if code is not None:
        return Heard(ReplyKind.UNREACHABLE, sender, rtt_ms, Icmp(3 if version == 4 else 1, code, sender))
    if sender != target:
        return Heard(ReplyKind.TIME_EXCEEDED, sender, rtt_ms, Icmp(11 if version == 4 else 3, 0, sender))
    if proto is Proto.UDP:
        return Heard(ReplyKind.UNREACHABLE, sender, rtt_ms, Icmp(3, 3, sender) if version == 4 else Icmp(1, 4, sender))
    if proto is Proto.ICMP:
        return Heard(ReplyKind.ANSWER, sender, rtt_ms)
    kind = next((kind for flag, kind in _FLAGS.items() if flag in flags.lower()), None)
    return Heard(kind, sender, rtt_ms) if kind is not None else None


def _tracepath_line(line: str, target: str) -> Shot | None:
    matched = _HOP.match(line)
    if matched is None or "?:" in line.split(maxsplit=1)[0] or not 1 <= int(matched[1]) <= MOST_TTL:
        return None
    ttl, words = int(matched[1]), _WORD.findall(matched[2])
    if words[:2] == ["no", "reply"]:
        return Shot(ttl, 0.0)
    sender, time = _address(words[0]), _TIME.match(words[1]) if len(words) > 1 else None
    if sender is None or time is None:
        return None
    mark = next((word for word in words[2:] if word.startswith("!")), "")
    reached = "reached" in words or sender == target
    return Shot(ttl, 0.0, _heard(sender, float(time[1]), sender if reached else "", Proto.UDP, mark=mark, flags=""))


def _address(word: str) -> str | None:
    try:
        return str(ip_address(word.strip("()")))
    except ValueError:
        return None
