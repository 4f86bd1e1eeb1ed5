"""What a probe is given and what it gives back.

A probe makes one attempt, never judges, never raises for anything the network does, and is cancelled like any task. It may carry
something over to the checks that need it: addresses (``dns``) or the open stream (``tcp``, ``tls``); the session hands each on and closes
what nobody took.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aetui.observations import Observation
from aetui.records import Check
from aetui.vantage.base import Capability, Stream, Vantage


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login that the user gave for one host. Never shown, journalled or logged."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user chose for a run and a probe must know."""

    roots: Path | None = None
    """PEM file of the roots that a logger would trust, in place of the built-in public ones."""
    machine_roots: Path | None = None
    """PEM file in place of this machine's own store; for tests and the embedded site."""
    credentials: Mapping[str, Credentials] = field(default_factory=dict)
    """By host name."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the check that this one needs carried over."""

    addresses: tuple[str, ...] = ()
    stream: Stream | None = None
    phases_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measured:
    """One attempt's observation, and what it carries over."""

    observation: Observation
    phases_ms: Mapping[str, float] = field(default_factory=dict)
    """This probe's own phases only; the session adds those of its chain."""
    address: str | None = None
    addresses: tuple[str, ...] = ()
    stream: Stream | None = None


Measure = Callable[[Check, Given, Vantage, Settings, float], Awaitable[Measured]]


@dataclass(frozen=True, slots=True)
class Probe:
    """An entry of the registry."""

    measure: Measure
    needs: frozenset[Capability] = frozenset({Capability.TCP})
    """What the vantage must be able to do."""
    timeout_s: float = 4.0
    """Longest time of one attempt; a run's own deadline may cut it."""
