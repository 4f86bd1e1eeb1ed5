"""The Inbound list: what the two halves know goes in, rows come out. Pure.

From the top: the ways to begin (while nothing was begun), the code and the ports, what was seen from outside (the findings, the root
first, then each port that was knocked at; above the code once it is news), and the knocks, the newest first. Keys are stable: ``way:``,
``code``, ``port:``, ``lost:``, ``finding:``, ``target:``, ``inside:`` and ``knock:``. Columns have fixed widths, so that a row that changes keeps the
others in their places.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from rich.cells import cell_len

from aetui.diagnosis.inbound import NAMES
from aetui.display import displayable
from aetui.inbound.ports import PortTaken, RightMissing
from aetui.observations import Outcome
from aetui.reach import Knock, Reached, Token
from aetui.records import Diagnosed
from aetui.report.inbound import phrases, worthless
from aetui.screens.inbound_outside import Outside, Result
from aetui.screens.inbound_site import Entry, Port, Site
from aetui.screens.inbound_words import known, say, tables
from aetui.screens.skin import SIGN_WIDTH, SIGNS, Sign
from aetui.screens.widgets.lines import Span, cut
from aetui.screens.widgets.rows import MARK_WIDTH, Row
from aetui.screens.words import and_list

CLOCK = "%H:%M:%S"
TIME_WIDTH = 10
PEER_WIDTH = 17
"""Fits an IPv4 address; a longer one is cut, and whole in the details."""
PORT_WIDTH = 7
COUNT_WIDTH = 11
SAID = ("scanner", "cookie", "sni", "request", "banner", "options")
"""What of a knock's evidence its row shows, the most telling first."""
LONGEST_SAID = 80

_INKS = {
    "open": ("!", "warn"), "closed": ("–", "skip"), "taken": ("✗", "fail"), "forbidden": ("✗", "fail"), "unusable": ("✗", "fail"),
    "code": ("·", "head"), "matched": ("✓", "pass"), "wrong": ("!", "warn"), "knock": ("·", "plain"), "scanner": ("·", "muted"),
    "lost": ("!", "warn"),
    "kept-out": ("–", "skip"), "crowded": ("–", "skip"), "works": ("✓", "pass"), "answers": ("·", "strong"), "shut": ("✗", "fail"),
    "unclear": ("?", "unknown"), "untried": ("·", "muted"), "trying": ("·", "busy"), "failed": ("✗", "fail"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """What the rows are made for."""

    width: int
    demo: bool = False


def sign(key: str) -> Sign:
    """The sign, word and ink of a standing."""
    glyph, ink = _INKS[key]
    return Sign(glyph, say("signs", key), ink)


def rows(site: Site, outside: Outside, look: Look) -> Iterator[Row]:
    """The whole list."""
    idle = site.listener is None and outside.result is None and not outside.busy
    if outside.fault and not outside.busy:
        yield _row("fault", sign("failed"), look, (), outside.fault)
    if idle:
        yield _heading("way", look)
        yield from (_way(key, look) for key in tables()["ways"])
    else:
        seen = list(_outside(outside.result, look)) if outside.result is not None else []
        ports = [row for port in site.ports for row in (_port(site, port, look), *_lost(site, port, look))]
        here = [*([_code(site, look)] if site.code else []), *ports]
        if seen and here and is_news(site, outside):
            yield from (*seen, _heading("here", look), *here)
        else:
            yield from (*here, *seen)
        yield from _knocks(site, look)


def is_news(site: Site, outside: Outside) -> bool:
    """True where what was seen from outside is newer than the open ports: then it stands on top."""
    return outside.result is not None and (site.opened_at is None or outside.result.at > site.opened_at)


def _heading(key: str, look: Look, **values: str) -> Row:
    text = f" {say('headings', key, **values)} "
    room = look.width - MARK_WIDTH - cell_len(text) - 3
    return Row(f"head:{key}", (("──", "muted"), (text, "head"), ("─" * max(0, room), "muted")), stop=False)


def _signed(one: Sign) -> tuple[Span, Span]:
    return (one.text, one.ink), (" " * (SIGN_WIDTH - cell_len(one.text)), "plain")


def _row(key: str, one: Sign, look: Look, columns: tuple[Span, ...], last: str) -> Row:
    """A sign, columns, and a text that takes what is left."""
    room = look.width - MARK_WIDTH - SIGN_WIDTH - sum(cell_len(text) for text, _ in columns)
    return Row(key, (*_signed(one), *columns, (cut(last, max(0, room)).rstrip(), "plain")))


def _way(key: str, look: Look) -> Row:
    letter, title, _ = tables()["ways"][key]
    return Row(f"way:{key}", ((f"{letter}  ", "key"), (cut(title, look.width - MARK_WIDTH - 3).rstrip(), "strong")))


def _code(site: Site, look: Look) -> Row:
    from aetui.screens.inbound_code import spelled

    return _row("code", sign("code"), look, ((f"{site.code}   ", "strong"),), spelled(site.code))


def port_state(site: Site, port: Port) -> str:
    """Key of ``signs`` for a port."""
    if port.is_open:
        return "open" if site.is_open else "closed"
    if isinstance(port.outcome, PortTaken):
        return "taken"
    return "forbidden" if isinstance(port.outcome, RightMissing) else "unusable"


def _port(site: Site, port: Port, look: Look) -> Row:
    state = port_state(site, port)
    number = (str(port.wanted).ljust(PORT_WIDTH), "strong")
    if not port.is_open:
        return _row(f"port:{port.wanted}", sign(state), look, (number,), why_not(port))
    count = site.count(port.outcome.port)
    columns = (number, (f"{count} knock{'s' if count != 1 else ''}".ljust(COUNT_WIDTH + 2), "plain"))
    return _row(f"port:{port.wanted}", sign(state), look, columns, service(port))


def _lost(site: Site, port: Port, look: Look) -> Iterator[Row]:
    """One row a port at which connections arrive that never hear our answer."""
    peers = lost_peers(site, port)
    if peers:
        said = say("target", "lost", peers=", ".join(peers[:3]) + (", …" if len(peers) > 3 else ""))
        yield _row(f"lost:{port.wanted}", sign("lost"), look, ((str(port.wanted).ljust(PORT_WIDTH), "strong"),), said)


def lost_peers(site: Site, port: Port) -> list[str]:
    """From where they came."""
    return [displayable(one.peer, 60) for one in site.half_open if port.is_open and one.port == port.outcome.port]


def service(port: Port) -> str:
    """What stands on a port of that number at the equipment."""
    if port.stands_for:
        return say("services", "instead", low=port.stands_for, port=port.wanted)
    return known("services", str(port.wanted), say("services", "other"))


def why_not(port: Port) -> str:
    """In a few words, why a port did not open."""
    match port.outcome:
        case PortTaken(holder=holder):
            return (
                say("ports", "taken", process=displayable(holder.process, 40), pid=holder.pid)
                if holder.process
                else say("ports", "taken_hidden")
            )
        case RightMissing(instead=instead):
            return say("ports", "forbidden", instead=instead) if instead else say("ports", "forbidden_bare")
        case _:
            return say("ports", "unusable", errno=getattr(port.outcome, "errno", "?"))


# ----------------------------------------------------------------------------------------------------------------- from outside
def _outside(result: Result, look: Look) -> Iterator[Row]:
    yield _heading("outside", look, vantage=result.vantage, public=displayable(result.public, 60))
    for number, one in enumerate(result.findings):
        yield _finding(number, one, look)
    works = {identity for one in result.findings if one.cause in GOOD for identity in one.explains}
    told = {reached.target.own_port for reached in result.seen.outside if reached.target.id in works}
    several = len({reached.vantage.name for reached in result.seen.outside}) > 1
    for number, reached in enumerate(result.seen.outside):
        if reached.target.id not in works or (several and reached.tcp.outcome is not Outcome.OPEN):
            yield _reached(f"target:{number}", reached, look, by=reached.vantage.name if several else "")
    for number, reached in enumerate(result.seen.inside):
        if reached.target.own_port not in told:
            yield _reached(f"inside:{number}", reached, look, inside=True)


def _finding(number: int, one: Diagnosed, look: Look) -> Row:
    one_sign = sign("works") if one.cause in GOOD else SIGNS[one.severity.value]
    ports = and_list([identity.rpartition(":")[2] for identity in one.explains])
    title = f"{one.title}: " + say("target", "ports" if len(one.explains) > 1 else "port", port=ports) if ports else one.title
    return _row(f"finding:{number}", one_sign, look, ((f"{title}. ", "strong"),), one.summary if look.width > ROOMY else "")


GOOD = frozenset({"forward-confirmed", "service-confirmed"})
"""Causes that say that something works. What answered there stands in the finding's details, and has no row of its own."""
ROOMY = 100
"""Columns from which a finding's sentence stands beside its title."""


def reached_state(reached: Reached, inside: bool = False) -> str:
    """Key of ``signs`` for one port that was knocked at; ``inside`` where the equipment was asked over the LAN."""
    if not inside and worthless(reached):
        return "unclear"
    if reached.tcp.outcome is Outcome.OPEN and reached.speaks != "nothing":
        return "works" if inside and reached.speaks == reached.target.expected else "answers"
    if reached.tcp.outcome is Outcome.OPEN:
        return "unclear"
    return "shut" if reached.tcp.outcome.value in tables()["target"] else "unclear"


def _reached(key: str, reached: Reached, look: Look, inside: bool = False, by: str = "") -> Row:
    target = reached.target
    if inside:
        name = say("target", "inside", address=target.address, port=target.port)
    elif target.own_port != target.port:
        name = say("target", "mapped", port=target.port, inside=target.own_port)
    else:
        name = say("target", "port", port=target.port)
    if by:
        name = say("target", "by", name=name, vantage=displayable(by, 30))
    return _row(key, sign(reached_state(reached, inside)), look, ((f"{name}: ", "strong"),), reached_said(reached, inside))


def reached_said(reached: Reached, inside: bool = False) -> str:
    """In a few words, what one port did."""
    if not inside and (why := worthless(reached)):
        return say("target", why)
    if reached.tcp.outcome is Outcome.OPEN:
        return say("target", "open", said=spoken(reached)) if reached.speaks != "nothing" else say("target", "mute")
    why = reached.tcp.reason or reached.tcp.errno or reached.tcp.outcome.value
    return known("target", reached.tcp.outcome.value) or say("target", "own", why=displayable(why, 60))


def spoken(reached: Reached) -> str:
    """What answered."""
    words = [NAMES.get(reached.speaks, phrases()["said"]["unknown"]), displayable(reached.identity or "", 60)]
    if reached.token is not Token.NONE:
        words.append(say("target", f"token_{reached.token.value}"))
    return ", ".join(filter(None, words))


# ---------------------------------------------------------------------------------------------------------------------- knocks
def _knocks(site: Site, look: Look) -> Iterator[Row]:
    entries = site.entries
    if entries or site.code:
        hidden = site.hidden
        yield _heading("flood", look, count=f"{hidden:,}") if hidden else _heading("knocks", look)
    if site.code and not entries:
        yield Row("head:quiet", ((say("headings", "quiet"), "muted"),), stop=False)
    labels = tuple((port.outcome.port, port.wanted) for port in site.ports if port.is_open)
    for entry in entries:
        yield _knock(entry, labels, look)


@lru_cache(1024)
def _knock(entry: Entry, labels: tuple[tuple[int, int], ...], look: Look) -> Row:
    knock = entry.knock
    port = dict(labels).get(knock.port, knock.port)
    columns = (
        (knock.at.astimezone().strftime(CLOCK).ljust(TIME_WIDTH), "plain"),
        (cut(displayable(knock.peer, 60), PEER_WIDTH - 1) + " ", "plain"),
        (str(port).ljust(PORT_WIDTH), "plain"),
    )
    return _row(f"knock:{entry.serial}", sign(knock_state(knock)), look, columns, knock_said(knock))


def knock_state(knock: Knock) -> str:
    """Key of ``signs`` for a knock."""
    if knock.refused == "not-allowed":
        return "kept-out"
    if knock.token is not Token.NONE:
        return knock.token.value
    if knock.refused is not None:
        return knock.refused
    return "scanner" if "scanner" in knock.evidence else "knock"


def knock_said(knock: Knock) -> str:
    """In a few words, what a knock spoke."""
    said = known("said", knock.speaks) or phrases()["said"][knock.speaks]
    key = next((key for key in SAID if key in knock.evidence), None)
    return f"{said}: {displayable(knock.evidence[key], LONGEST_SAID)}" if key is not None else said


def numbered(key: str) -> tuple[str, int]:
    """Kind and number of a row's key; number -1 where it has none."""
    kind, _, rest = key.partition(":")
    return kind, int(rest) if rest.isdigit() else -1
