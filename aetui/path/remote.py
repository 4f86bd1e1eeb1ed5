"""A trace from a jump host: its own traceroute or tracepath, run through SSH and read. Nothing is installed there, and no right is
asked for.

TCP and ICMP probes take rights on most systems: where the tool says so, the path is traced by UDP instead and the recording says
``udp``, without a port, since the tools go through ports of their own; how a TCP port itself answers is then learnt by a connect from
there. Where neither tool is found the recording's problem says it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from aetui.display import displayable
from aetui.path.outputs import Remote, parse_tracepath, parse_traceroute
from aetui.path.records import Flow, Method, Problem, Proto, Recording

TOOL_S = 35.0
"""Longest wait for the tool: a second for each silent hop, which BusyBox's traceroute takes one after another."""
NOT_FOUND = 127
"""A shell's status for a command that is not there (POSIX)."""


@runtime_checkable
class Runner(Protocol):
    """What runs a command elsewhere: a jump vantage."""

    async def run(self, argv: Sequence[str], deadline: float) -> tuple[int, bytes] | None:
        """Exit status and standard output, None where it was not run or not in time."""


@dataclass(frozen=True, slots=True)
class _Tool:
    argv: tuple[str, ...]
    proto: Proto
    read: Callable[[str], Remote]


async def record(runner: Runner, target: str, flow: Flow, last: int) -> Recording:
    """The path as the jump host's tools tell it."""
    missing = 0
    tools = _tools(flow, last)
    for tool in tools:
        ran = await runner.run(tool.argv, asyncio.get_running_loop().time() + TOOL_S)
        if ran is None:
            return _without(target, flow, last, Problem("remote-failed", tool.argv[0]))
        status, output = ran
        missing += status == NOT_FOUND
        told = tool.read(output.decode("utf-8", "replace"))
        if told.shots:
            as_sent = flow if tool.proto is flow.proto is not Proto.UDP else replace(flow, proto=tool.proto, port=None)
            return Recording(target, as_sent, Method.REMOTE, told.shots, last=last)
    if missing == len(tools):
        return _without(target, flow, last, Problem("no-remote-tool", displayable(target)))
    return _without(target, flow, last, Problem("remote-failed", ", ".join(dict.fromkeys(tool.argv[0] for tool in tools))))


def _tools(flow: Flow, last: int) -> list[_Tool]:
    """What to try, the best first. Every value in it is ours: a literal address, numbers."""
    usual = ("-n", "-q", "1", "-w", "1", "-m", str(last))
    found: list[_Tool] = []

    def traceroute(proto: Proto, *options: str) -> None:
        argv = ("traceroute", *options, *usual, flow.address)
        found.append(_Tool(argv, proto, lambda text: parse_traceroute(text, flow.address, proto)))

    if flow.proto is Proto.TCP:
        traceroute(Proto.TCP, "-T", "-O", "info", "-p", str(flow.port))
    elif flow.proto is Proto.ICMP:
        traceroute(Proto.ICMP, "-I")
    traceroute(Proto.UDP)
    found.append(_Tool(("tracepath", "-n", "-m", str(last), flow.address), Proto.UDP, lambda text: parse_tracepath(text, flow.address)))
    return found


def _without(target: str, flow: Flow, last: int, problem: Problem) -> Recording:
    return Recording(target, flow, Method.REMOTE, last=last, problem=problem)
