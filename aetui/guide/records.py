"""What a guide is made of: steps as a union of variants, actions as another. Frozen data, no logic.

Words hold ``{name}`` for what is known when the step is shown: an answer, or a fact that a check found. Steps are named by id within
their guide; ids are promises, since a walk that was left is taken up again by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from aetui.records import Diagnosed, Owner, Status, Verdict

WORKING = frozenset({Verdict.READY, Verdict.DEGRADED})
"""Verdicts that nothing stands in the way of."""
SKIPPED = ""
"""The answer to a question that was passed over."""


LOGIN_GIVEN = "give"
"""The answer of a login's question where there is one: all that a walk ever holds of it."""


class Ask(StrEnum):
    """What a question takes. None of them is a secret: a walk never holds a password."""

    CHOICE = "choice"
    YES_NO = "yes-no"
    TEXT = "text"
    ADDRESS = "address"
    """An IPv4 address."""
    PORT = "port"
    LOGIN = "login"
    """A choice one of whose keys is ``LOGIN_GIVEN``: whoever walks then has a user name and a password typed, which go to the ``World``
    and nowhere else."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of a question with choices."""

    key: str
    label: str
    next: str


@dataclass(frozen=True, slots=True)
class Instruction:
    """Something that a person does; any key goes on."""

    id: str
    title: str
    text: str
    next: str


@dataclass(frozen=True, slots=True)
class Question:
    """Something that only a person knows."""

    id: str
    title: str
    text: str
    ask: Ask
    saves: str
    """Name under which the answer is known afterwards."""
    next: str = ""
    """For all but choices."""
    choices: tuple[Choice, ...] = ()
    """``yes`` and ``no`` for a yes-no question; ``LOGIN_GIVEN`` and others for a login."""
    default: str = ""
    """Taken where nothing is typed; may hold ``{name}``. Empty for none."""
    passed: str = ""
    """Where the step may be passed over by typing nothing: the next step then."""


# ----------------------------------------------------------------------------------------------------------------- actions
@dataclass(frozen=True, slots=True)
class Plan:
    """The outbound checks of some equipment, or those of them that are named."""

    equipment: tuple[str, ...]
    only: tuple[str, ...] = ()
    """Check ids or their beginnings; empty for all."""


@dataclass(frozen=True, slots=True)
class Models:
    """All models of the catalogue at once: which of them work here."""


@dataclass(frozen=True, slots=True)
class Inside:
    """Does the equipment answer on the local network?"""

    address: str
    port: str


@dataclass(frozen=True, slots=True)
class Public:
    """By which public address is this site seen from outside?"""


@dataclass(frozen=True, slots=True)
class Confirm:
    """The outside half, from a vantage outside."""

    public: str
    public_port: str
    port: str
    inside: str = ""


@dataclass(frozen=True, slots=True)
class Listen:
    """This machine in the equipment's place: our own listener at the forward's end."""

    public: str
    public_port: str
    port: str


@dataclass(frozen=True, slots=True)
class Nat:
    """How many routers translate addresses, and what ours says of its forwards. Where ``public`` is the site's address and the router has it,
    nothing stands before the router, however the outside sees this machine (by a VPN of its own, or a second line)."""

    port: str
    public: str = ""


@dataclass(frozen=True, slots=True)
class Lan:
    """This machine's place in the network, and who hands out addresses there."""


@dataclass(frozen=True, slots=True)
class Find:
    """Who on the local network answers at a port, with the makers' names."""

    port: str


@dataclass(frozen=True, slots=True)
class Free:
    """Is an address of the local network free?"""

    address: str


@dataclass(frozen=True, slots=True)
class Trace:
    """The path to a port, and the hop at which it dies."""

    host: str
    port: str


@dataclass(frozen=True, slots=True)
class Decode:
    """What an error number in an AcquiSuite's log means."""

    number: str


Action = Plan | Models | Inside | Public | Confirm | Listen | Nat | Lan | Find | Free | Trace | Decode


@dataclass(frozen=True, slots=True)
class Check:
    """Something that the machine finds out. ``on`` maps a sign, a cause or a status to the next step; see ``Seen.keys``."""

    id: str
    title: str
    text: str
    action: Action
    on: Mapping[str, str]
    otherwise: str = ""


class By(StrEnum):
    """What a branch looks at."""

    ANSWER = "answer"
    """Of a name: the value itself."""
    KNOWN = "known"
    """Of a name: ``yes`` where it has a value, ``no`` where not."""
    RESULT = "result"
    """Of a check: as ``Check.on``; ``not-run`` where it was passed by."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A silent step: goes on by what is known already."""

    id: str
    by: By
    of: str
    on: Mapping[str, str]
    otherwise: str = ""


@dataclass(frozen=True, slots=True)
class Hand:
    """What to hand to whom."""

    to: Owner
    what: str


@dataclass(frozen=True, slots=True)
class End:
    """A verdict: what holds, what to do now, what to hand to whom. The causes found on the way are shown with it."""

    id: str
    title: str
    text: str
    outcome: Verdict
    now: tuple[str, ...] = ()
    hand: tuple[Hand, ...] = ()


Step = Instruction | Question | Check | Branch | End
Shown = Instruction | Question | Check | End
"""All that a person sees."""


@dataclass(frozen=True, slots=True)
class Guide:
    """One guide, parts and all put together."""

    key: str
    title: str
    about: str
    equipment: tuple[str, ...]
    """Models that it is for; empty for a guide of the site as such."""
    labels: tuple[str, ...]
    """What a label on the equipment may say."""
    start: str
    steps: Mapping[str, Step]
    file: str = ""


# ------------------------------------------------------------------------------------------------------------ what was found
@dataclass(frozen=True, slots=True)
class Seen:
    """What a check found, as the interpreter and the journal take it."""

    status: Status
    signs: tuple[str, ...] = ()
    """Finer than a cause; which ones an action can give is in ``actions``. The most telling first."""
    told: tuple[Diagnosed, ...] = ()
    """Findings with their words, the root first."""
    facts: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Values that later words and actions may use, by name; displayable."""
    lines: tuple[str, ...] = ()
    """What was seen, for people; displayable."""
    elapsed_ms: float = 0.0

    @property
    def causes(self) -> tuple[str, ...]:
        """Codes, the root first."""
        return tuple(entry.cause for entry in self.told)

    @property
    def keys(self) -> tuple[str, ...]:
        """What a check's ``on`` is asked for, in this order: signs, causes, status."""
        return (*self.signs, *self.causes, self.status.value)
