"""Commands on the jump host, and what is read from them: its resolvers, its address, ours as it sees it. Nothing is written there.

A command runs in an ``exec`` channel (RFC 4254 section 6.5), its output bounded; where the jump host forbids that, there is no answer.
The parsing is pure, and takes any text: a menu or a banner in place of a shell yields nothing.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address

from aetui.records import VantageInfo
from aetui.vantage.base import StreamEnded
from aetui.vantage.channelstream import ChannelStream
from aetui.vantage.link import Link
from aetui.vantage.reason import OpenRefused

LARGEST_OUTPUT = 64 * 1024
"""Bytes of a command's output that are kept; the rest is read and dropped."""
LONGEST_OUTPUT = 4 * 1024 * 1024
"""Bytes after which a command that goes on is left."""
ABOUT = "cat /etc/resolv.conf; echo; printenv SSH_CONNECTION; command -v getent"
"""One command for one round trip: a jump host with MaxSessions 1 answers it too."""
GETENT_ANSWERS = frozenset({0, 2})
"""Exit statuses of ``getent`` that answer the question: found, and not found (getent(1))."""
HOST_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?")


@dataclass(frozen=True, slots=True)
class About:
    """What a jump host tells of itself."""

    resolvers: tuple[str, ...] = ()
    client: str | None = None
    """Our address as the jump host sees it."""
    address: str | None = None
    """Its own address on that connection."""
    getent: bool = False


async def run(link: Link, command: str, deadline: float) -> tuple[int, bytes] | None:
    """Exit status and standard output, or None where the jump host does not run it, or not in time. Raises JumpLost."""
    channel = await link.open("session", deadline)
    if channel is None or isinstance(channel, OpenRefused):
        return None
    stream = ChannelStream(channel, link)
    link.put(lambda: channel.request_exec(command))
    try:
        output = await _output(stream, deadline)
        while channel.exec_accepted and not channel.closed:  # the status comes between the end of data and the close
            await stream.changed(deadline)
    except StreamEnded:
        return None
    finally:
        stream.close()
    return (channel.exit_status, output) if channel.exec_accepted else None


async def bounded(reader: asyncio.StreamReader) -> bytes:
    """The output of a local process, read to its end, LARGEST_OUTPUT of it kept."""
    kept = bytearray()
    seen = 0
    while seen < LONGEST_OUTPUT and (part := await reader.read(LARGEST_OUTPUT)):
        seen += len(part)
        kept += part[: LARGEST_OUTPUT - len(kept)]
    return bytes(kept)


async def _output(stream: ChannelStream, deadline: float) -> bytes:
    kept = bytearray()
    seen = 0
    while seen < LONGEST_OUTPUT:
        part = await stream.read(LARGEST_OUTPUT, deadline)
        if not part:
            break
        seen += len(part)
        kept += part[: LARGEST_OUTPUT - len(kept)]
    return bytes(kept)


async def about(link: Link, deadline: float) -> About | None:
    """What can be learned in one command; None where the jump host runs none."""
    with suppress(TimeoutError):
        async with asyncio.timeout_at(deadline):
            ran = await run(link, ABOUT, deadline)
            return None if ran is None else parse_about(ran[1].decode("utf-8", "replace"))
    return None


def told(info: VantageInfo, about: About) -> VantageInfo:
    """The vantage's info with what is known of it, and the names of what is not."""
    facts = {"resolvers": about.resolvers, "names": about.getent, "address": about.address}
    missing = tuple(name for name, value in facts.items() if not value)
    return replace(info, address=about.address, resolvers=about.resolvers, missing=missing)


def parse_about(text: str) -> About:
    """Read the output of ABOUT."""
    resolvers: list[str] = []
    ends: tuple[str | None, str | None] = (None, None)
    getent = False
    for line in text.splitlines():
        fields = line.split()
        if fields[:1] == ["nameserver"] and len(fields) > 1:
            resolvers += filter(None, [literal(fields[1])])
        elif len(fields) == 4 and fields[1].isdigit() and fields[3].isdigit() and literal(fields[0]) and literal(fields[2]):
            ends = (literal(fields[0]), literal(fields[2]))
        getent = getent or line.strip().endswith("/getent")
    return About(tuple(dict.fromkeys(resolvers)), ends[0], ends[1], getent)


def literal(text: str) -> str | None:
    """An address in canonical form, an IPv4 one in IPv6 clothing as IPv4; or None."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def parse_getent(text: str) -> tuple[str, ...]:
    """The addresses in the output of ``getent ahosts``."""
    fields = (line.split() for line in text.splitlines())
    return tuple(dict.fromkeys(found for f in fields if len(f) > 1 and (found := literal(f[0]))))
