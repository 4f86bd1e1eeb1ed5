"""Which protocol the first bytes of a connection speak: a client's, as a listener gets them, and a server's, as one who knocks gets them.

Both functions take what came so far and never raise. ``settled`` is True where no further byte can change the reading, so that nobody
waits for more than is needed. ``evidence`` holds what the bytes say of their sender (cookie, SNI, request line, known scanner); its
values are foreign text.

Sources: the codecs beside this file; RFC 4253 section 4.2 (SSH), RFC 9112 section 3 (HTTP request line). Not here: judging what it means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from aetui.wire import clienthello, telnet, token, x224

SPEAKS = ("rdp", "telnet", "ssh", "http", "tls", "aetui", "unknown", "nothing")
"""The closed set of readings (the ``speaks`` of listener and confirmation)."""
LOOKED_AT = 2048
"""Bytes that are enough for any reading."""
_TEXT = 160
"""Characters kept of one piece of evidence."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One reading."""

    speaks: str
    settled: bool = True
    evidence: Mapping[str, str] = field(default_factory=dict)
    hello: token.Hello | None = field(default=None, repr=False)
    """The token, where one was presented."""


NOTHING = Spoken("nothing", settled=False)

_METHOD = re.compile(rb"(GET|HEAD|POST|PUT|DELETE|OPTIONS|CONNECT|TRACE|PATCH|PROPFIND|PRI) ")
_METHODS = (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"OPTIONS ", b"CONNECT ", b"TRACE ", b"PATCH ", b"PROPFIND ", b"PRI ")

_SCANNERS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"mstshash=nmap"), "nmap"),
    (re.compile(rb"nice%20ports%2C|Nmap Scripting Engine|sip:nm", re.IGNORECASE), "nmap"),
    (re.compile(rb"user-agent:[^\r\n]*masscan", re.IGNORECASE), "masscan"),
    (re.compile(rb"user-agent:[^\r\n]*zgrab|SSH-2\.0-ZGrab", re.IGNORECASE), "zgrab"),
    (re.compile(rb"user-agent:[^\r\n]*(?:Censys)", re.IGNORECASE), "censys"),
    (re.compile(rb"user-agent:[^\r\n]*(?:Expanse|Palo Alto)", re.IGNORECASE), "palo-alto"),
    (re.compile(rb"user-agent:[^\r\n]*(?:shodan)", re.IGNORECASE), "shodan"),
    (re.compile(rb"^CONNECT "), "proxy-search"),
    (re.compile(rb"^\x05[\x01-\x03]|^\x04\x01"), "proxy-search"),
    (re.compile(rb"^\x00\x00.{2}[\xff\xfe]SMB", re.DOTALL), "smb-search"),
    (re.compile(rb"^(?:OPTIONS|REGISTER) sip:"), "sip-search"),
    (re.compile(rb'^\{"(?:id|method|params)"'), "miner-search"),
    (re.compile(rb"^JRMI"), "jrmi-search"),
)
"""First bytes by which widespread scanners and searches are known."""


def client(data: bytes) -> Spoken:
    """What a client's first bytes speak."""
    if not data:
        return NOTHING
    data = data[:LOOKED_AT]
    for read in _CLIENTS:
        spoken = read(data)
        if spoken is not None:
            return _with_scanner(spoken, data)
    return _with_scanner(Spoken("unknown", settled=len(data) >= 16), data)


def server(data: bytes) -> Spoken:
    """What a server's first bytes speak, sent by itself or in answer to an RDP request."""
    if not data:
        return NOTHING
    data = data[:LOOKED_AT]
    for read in _SERVERS:
        spoken = read(data)
        if spoken is not None:
            return spoken
    return Spoken("unknown", settled=False, evidence=_line("banner", data))


def _with_scanner(spoken: Spoken, data: bytes) -> Spoken:
    name = next((name for pattern, name in _SCANNERS if pattern.search(data)), None)
    if name is None or spoken.speaks == "aetui":
        return spoken
    return Spoken(spoken.speaks, spoken.settled, {**spoken.evidence, "scanner": name}, spoken.hello)


def _partial(data: bytes, whole: bytes) -> bool:
    return data.startswith((whole[: len(data)], whole))


def _line(key: str, data: bytes) -> Mapping[str, str]:
    text = data.split(b"\n", 1)[0].rstrip(b"\r").decode("utf-8", "replace")[:_TEXT]
    return {key: text} if text else {}


def _token_frame(data: bytes) -> Spoken | None:
    if not _partial(data, token.HELLO_MAGIC):
        return None
    said = token.parse_frame(data)
    return Spoken("aetui", said is not None, hello=said)


def _token_refusals(data: bytes) -> Spoken | None:
    if not data.startswith(bytes((telnet.IAC, telnet.WONT))) or not token.begins_refusals(data):
        return None
    said = token.parse_refusals(data)
    return Spoken("aetui", said is not None, hello=said)


def _rdp_client(data: bytes) -> Spoken | None:
    packet = x224.parse_request(data)
    if isinstance(packet, x224.Malformed):
        return None
    if isinstance(packet, x224.Incomplete):
        return Spoken("rdp" if len(data) > 5 else "unknown", settled=False)
    if packet.cookie is not None and packet.cookie.startswith(token.COOKIE_PREFIX):
        return Spoken("aetui", hello=token.parse_cookie(packet.cookie))
    evidence = {} if packet.cookie is None else {"cookie": packet.cookie[:_TEXT]}
    if packet.routing is not None:
        evidence["routing"] = packet.routing.decode("latin-1")[:_TEXT]
    if packet.protocols is not None:
        evidence["protocols"] = _protocols(packet.protocols)
    return Spoken("rdp", evidence=evidence)


def _protocols(asked: int) -> str:
    names = [name for bit, name in x224.PROTOCOL_NAMES.items() if bit and asked & bit]
    return " ".join(names) or "rdp"


def _telnet_either(data: bytes) -> Spoken | None:
    if data[0] != telnet.IAC or (len(data) > 1 and data[1] < telnet.SE):
        return None
    verbs = [item.name for item in telnet.Reader().feed(data) if isinstance(item, telnet.Verb)]
    return Spoken("telnet", len(data) >= 3, {"options": ", ".join(verbs[:12])} if verbs else {})


def _ssh(data: bytes) -> Spoken | None:
    if not _partial(data, b"SSH-"):
        return None
    return Spoken("ssh" if len(data) >= 4 else "unknown", b"\n" in data, _line("banner", data))


def _tls_client(data: bytes) -> Spoken | None:
    hello = clienthello.parse(data)
    if hello is None:
        return None
    evidence = {} if hello.server_name is None else {"sni": hello.server_name[:_TEXT]}
    whole = len(data) >= min(5 + int.from_bytes(data[3:5], "big"), LOOKED_AT) if len(data) >= 5 else False
    return Spoken("tls", whole, evidence)


def _http_client(data: bytes) -> Spoken | None:
    if _METHOD.match(data) is None:
        return Spoken("unknown", settled=False) if any(m.startswith(data) for m in _METHODS) else None
    if data.startswith((b"OPTIONS sip:", b"REGISTER sip:")):
        return Spoken("unknown")
    evidence = dict(_line("request", data))
    for line in data.split(b"\r\n")[1:40]:
        name, _, value = line.partition(b":")
        if name.lower() in (b"host", b"user-agent"):
            evidence[name.decode("ascii").lower()] = value.strip().decode("latin-1")[:_TEXT]
    return Spoken("http", b"\r\n\r\n" in data, evidence)


def _token_answer(data: bytes) -> Spoken | None:
    if not _partial(data, token.ANSWER_MAGIC):
        return None
    return Spoken("aetui", len(data) >= token.ANSWER_LENGTH)


def _rdp_server(data: bytes) -> Spoken | None:
    packet = x224.parse_confirm(data)
    if isinstance(packet, x224.Malformed):
        return None
    if isinstance(packet, x224.Incomplete):
        return Spoken("rdp" if len(data) > 5 else "unknown", settled=False)
    if packet.reference == x224.LISTENER_REFERENCE:
        return Spoken("aetui", evidence={"through": "rdp"})
    return Spoken("rdp")


def _disconnect_server(data: bytes) -> Spoken | None:
    """An X.224 disconnect request: RDP's refusal of one that negotiates nothing."""
    ours = x224.disconnect(x224.LISTENER_REFERENCE)
    if not _partial(data[:6], ours[:6]) or len(data) < 6:
        return None
    return Spoken("aetui" if data.startswith(ours) else "rdp", len(data) >= len(ours))


def _farewell_server(data: bytes) -> Spoken | None:
    return Spoken("aetui", evidence={"through": "telnet"}) if telnet.FAREWELL.encode("ascii") in data else None


def _login_server(data: bytes) -> Spoken | None:
    text = data.decode("utf-8", "replace")
    return Spoken("telnet", evidence=_line("banner", data)) if telnet.login_prompt(text) else None


def _http_server(data: bytes) -> Spoken | None:
    if data.startswith(b"HTTP/"):
        server = next((ln[7:].strip() for ln in data.split(b"\r\n")[1:40] if ln[:7].lower() == b"server:"), b"")
        evidence = dict(_line("status", data))
        if server:
            evidence["server"] = server.decode("latin-1")[:_TEXT]
        return Spoken("http", b"\r\n\r\n" in data, evidence)
    head = data[:64].lstrip().lower()
    return Spoken("http") if head.startswith((b"<html", b"<!doctype html", b"<head")) else None


def _tls_server(data: bytes) -> Spoken | None:
    if len(data) < 3 or data[0] not in (0x15, 0x16) or data[1] != 3 or data[2] > 4:
        return None
    return Spoken("tls")


_CLIENTS = (_token_frame, _token_refusals, _rdp_client, _telnet_either, _ssh, _tls_client, _http_client)
_SERVERS = (
    _token_answer,
    _rdp_server,
    _disconnect_server,
    _farewell_server,
    _telnet_either,
    _ssh,
    _http_server,
    _tls_server,
    _login_server,
)
