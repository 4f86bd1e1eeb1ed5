"""The Outbound list: a scene, what is unfolded and a filter go in; rows come out. Pure.

On top the findings, the root first, each with the checks that it explains folded under it; below them the hosts, a line each with a
sign for every step, and the checks themselves folded under that. Columns have fixed widths, so that a row that changes keeps the others
in their places.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from rich.cells import cell_len

from aetui.records import Diagnosed
from aetui.screens.scene import HERE, Scene, finding_key
from aetui.screens.skin import SIGN_WIDTH, SIGNS
from aetui.screens.widgets.lines import Span, cut
from aetui.screens.widgets.rows import MARK_WIDTH, Row
from aetui.screens.words import say, took

FILTERS: Mapping[str, frozenset[str]] = {
    "all": frozenset(),
    "fail": frozenset({"fail"}),
    "warn": frozenset({"warn", "info"}),
    "wait": frozenset({"waits", "moot", "skip", "unknown", "planned", "running"}),
    "pass": frozenset({"pass"}),
}
"""What the list can be narrowed to, in the order in which the key goes through them."""

FOLD_WIDTH = 2
HOST_WIDTH = 30
"""Most columns of a host's name."""
NAME_WIDTH = 14
"""Columns of a check's name."""
TOOK_WIDTH = 8
COUNT_WIDTH = 11
LEAST_TEXT = 8
"""Fewer columns than this are left empty rather than filled with a stump."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the person chose to see."""

    width: int
    opened: frozenset[str] = frozenset()
    """Keys of the lines that are unfolded."""
    filter: str = "all"


def rows(scene: Scene, look: Look) -> Iterator[Row]:
    """The whole list."""
    found = [one for one in scene.diagnosed if _finding_fits(one, look.filter)]
    if found:
        yield _heading("found", look)
        for one in found:
            yield from _finding(scene, one, look)
        yield _heading("hosts", look)
    for host, ids in scene.hosts.items():
        yield from _host(scene, host, ids, look)


def counts(scene: Scene) -> dict[str, int]:
    """How many checks each filter shows."""
    standings = [scene.standing(identity) for identity in scene.state.checks]
    return {key: sum(1 for s in standings if s in of) if of else len(standings) for key, of in FILTERS.items()}


def _heading(key: str, look: Look) -> Row:
    text = f" {say('headings', key)} "
    room = look.width - MARK_WIDTH - cell_len(text) - 3
    return Row(f"head:{key}", (("──", "muted"), (text, "head"), ("─" * max(0, room), "muted")), stop=False)


def _finding_fits(one: Diagnosed, chosen: str) -> bool:
    return chosen == "all" or one.severity.value in FILTERS[chosen]


def _sign(standing: str) -> tuple[Span, Span]:
    sign = SIGNS[standing]
    return (sign.text, sign.ink), (" " * (SIGN_WIDTH - cell_len(sign.text)), "plain")


def _fold(key: str, look: Look, under: int) -> Span:
    return ("  " if not under else "▾ " if key in look.opened else "▸ ", "muted")


def _finding(scene: Scene, one: Diagnosed, look: Look) -> Iterator[Row]:
    key = finding_key(one)
    under = [identity for identity in one.explains if identity in scene.state.checks]
    room = look.width - MARK_WIDTH - FOLD_WIDTH - SIGN_WIDTH - COUNT_WIDTH - 1
    number = f"{len(under)} checks" if len(under) != 1 else "1 check"
    title, count = (cut(one.title, room), "strong"), (number.rjust(COUNT_WIDTH), "muted")
    yield Row(key, (_fold(key, look, len(under)), *_sign(one.severity.value), title, count))
    if key in look.opened:
        for identity in under:
            yield _check(scene, identity, look, prefix=f"{key}>", named=True)


def _host(scene: Scene, host: str, ids: tuple[str, ...], look: Look) -> Iterator[Row]:
    key = f"host:{host}"
    wanted = FILTERS[look.filter]
    members = [identity for identity in ids if not wanted or scene.standing(identity) in wanted]
    if not members:
        return
    opened = bool(wanted) != (key in look.opened)
    yield Row(key, (("▾ " if opened else "▸ ", "muted"), *_host_line(scene, host, ids, look)))
    if opened:
        for identity in members:
            yield _check(scene, identity, look, named=scene.in_range(identity))


def _host_line(scene: Scene, host: str, ids: tuple[str, ...], look: Look) -> Iterator[Span]:
    standing = scene.together(ids)
    yield from _sign(standing)
    width = min(HOST_WIDTH, max((cell_len(scene.host_title(h)) for h in scene.hosts), default=0)) + 2
    yield cut(scene.host_title(host), width), "strong" if standing in {"fail", "warn"} else "plain"
    used = MARK_WIDTH + FOLD_WIDTH + SIGN_WIDTH + width
    for label, one in [] if host == HERE else _steps(scene, ids):
        yield f"{label} ", "muted"
        yield SIGNS[one].glyph, SIGNS[one].ink
        yield "  ", "plain"
        used += cell_len(label) + 4
    text = scene.host_note(host) or _problem(scene, ids, standing)
    if look.width - used >= LEAST_TEXT:
        yield cut(text, look.width - used).rstrip(), "muted"


def _problem(scene: Scene, ids: tuple[str, ...], standing: str) -> str:
    """What was seen of the first check that stands as the whole line does, where that is not well."""
    first = next((i for i in ids if scene.standing(i) == standing), None) if standing in {"fail", "warn", "unknown", "skip"} else None
    return scene.said(first) if first is not None else ""


def _steps(scene: Scene, ids: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The name, then each port, with how its whole chain stands."""
    chains: dict[str, list[str]] = {}
    for identity in ids:
        check = scene.state.checks[identity]
        chains.setdefault(str(check.port) if check.port else "name", []).append(identity)
    for label, members in chains.items():
        yield label, scene.together(members)


def _check(scene: Scene, identity: str, look: Look, prefix: str = "", named: bool = False) -> Row:
    standing = scene.standing(identity)
    name, width = scene.name(identity), NAME_WIDTH
    if named:
        name, width = scene.full_name(identity), NAME_WIDTH + HOST_WIDTH
    elif not scene.state.checks[identity].equipment:
        width = max(NAME_WIDTH, cell_len(name) + 2)
    result = scene.state.results.get(identity)
    measured = result is not None and result.observation is not None and standing not in {"waits", "moot", "skip"}
    took_text = took(result.elapsed_ms) if measured and result is not None else ""
    room = look.width - MARK_WIDTH - 2 * FOLD_WIDTH - SIGN_WIDTH - width - TOOK_WIDTH - 1
    said = scene.said(identity)
    if standing == "waits" and named:
        said = ""
    return Row(
        f"{prefix}{identity}",
        (
            ("    ", "plain"),
            *_sign(standing),
            (cut(name, width), "plain"),
            (cut(said, room) if room >= LEAST_TEXT else " " * max(0, room), "muted"),
            (took_text.rjust(TOOK_WIDTH), "muted"),
        ),
    )


def check_id(key: str) -> str | None:
    """The check that a row stands for; None for a finding, a host or a heading."""
    identity = key.rpartition(">")[2] if key.startswith("finding:") and ">" in key else key
    return None if identity.startswith(("finding:", "host:", "head:")) or not identity else identity


def members(scene: Scene, key: str) -> tuple[str, ...]:
    """Ids of the checks that a row speaks of."""
    identity = check_id(key)
    if identity is not None:
        return (identity,) if identity in scene.state.checks else ()
    if key.startswith("host:"):
        return scene.hosts.get(key.removeprefix("host:"), ())
    return next((tuple(i for i in one.explains if i in scene.state.checks) for one in scene.diagnosed if finding_key(one) == key), ())


def all_folds(scene: Scene) -> frozenset[str]:
    """Every line that can be unfolded."""
    return frozenset({f"host:{host}" for host in scene.hosts} | {finding_key(one) for one in scene.diagnosed})


def not_green(scene: Scene, ids: Collection[str]) -> tuple[str, ...]:
    """Those of these checks that do not hold, failures before what waits."""
    order = ("fail", "warn", "unknown", "skip", "waits", "moot")
    standings = {identity: scene.standing(identity) for identity in ids}
    return tuple(sorted((i for i in ids if standings[i] in order), key=lambda i: order.index(standings[i])))
