"""What the rules would have to see besides: further checks, wished for in the light of what was seen. Pure.

Every wish is bounded: few hosts, few probes each, and only where what it shows can change the diagnosis.
"""

from __future__ import annotations

from collections.abc import Iterator

from aetui.catalogue import is_address
from aetui.diagnosis.line import LOSSY_SHARE, loss
from aetui.diagnosis.names import suspicious_names
from aetui.diagnosis.pages import asks_login, login_page
from aetui.diagnosis.readings import is_sinkhole
from aetui.diagnosis.transport import web_works
from aetui.diagnosis.view import Row, View
from aetui.observations import Ended, HttpSeen, TlsSeen
from aetui.records import Check, Status, Transport
from aetui.state import State

MOST_NAMES_ASKED = 24
MOST_HOSTS_TRIED = 3
LOSS_CONNECTS = 20
TTLS = ",".join(map(str, range(1, 25)))
"""How far a reset is followed: further away than this no server of a site's equipment is."""
OTHER_NAME = "example.com"
"""A name that no filter of a solar site has a reason to know (RFC 2606)."""


def followups(state: State) -> tuple[Check, ...]:
    """The checks that are wished for and not planned yet."""
    view = View(state)
    found: dict[str, Check] = {}
    for wish in (second_opinions, other_names, other_protocols, segment_sizes, reset_distances, near_answers, loss_series, proxies):
        for check in wish(view):
            found.setdefault(check.id, check)
    return tuple(check for check in found.values() if check.id not in state.checks)


def second_opinions(view: View) -> Iterator[Check]:
    """Names that are missing, or lead where no public service can be, are asked of resolvers outside the site."""
    doubtful = [
        row
        for row, seen in view.names
        if row.reading.cause in {"dns-name-missing", "dns-filtered"} or any(map(is_sinkhole, seen.addresses))
    ]
    for row in [*doubtful, *suspicious_names(view)][:MOST_NAMES_ASKED]:
        for resolver in filter(None, row.check.about.get("opinions", "").split(",")):
            yield Check(
                f"opinion:{resolver}:{row.host}", "dns", host=row.host, about={"resolver": resolver, "purpose": "opinion", "type": "A"}
            )


def other_names(view: View) -> Iterator[Check]:
    """A handshake that died after the hello is tried with another name, at the same address."""
    dead = [row for row, seen in view.tls if seen.ended in {Ended.RESET, Ended.SILENT, Ended.CLOSED} and seen.stage == "hello-sent"]
    for row in _hosts(dead):
        yield Check(f"tcp:{row.host}:{row.check.port}:sni", "tcp", row.host, row.check.port, Transport.TCP, about={"address": row.address})
        yield Check(
            f"tls:{row.host}:{row.check.port}:sni",
            "tls",
            row.host,
            row.check.port,
            Transport.TCP,
            needs=f"tcp:{row.host}:{row.check.port}:sni",
            about={"server_name": OTHER_NAME},
        )


def other_protocols(view: View) -> Iterator[Check]:
    """A port that should speak by itself and does not is asked as a web server would be."""
    silent = [row for row in view.rows("ssh", "ftp") if getattr(row.result.observation, "ended", None) is Ended.SILENT]
    for row in _hosts(silent):
        connect = f"tcp:{row.host}:{row.check.port}:else"
        yield Check(connect, "tcp", row.host, row.check.port, Transport.TCP, about={"address": row.address})
        yield Check(f"http:{row.host}:{row.check.port}:else", "http", row.host, row.check.port, Transport.TCP, needs=connect)


def near_answers(view: View) -> Iterator[Check]:
    """A page that may be somebody else's: does the port open with a TTL that ends at the gateway already?"""
    foreign = [row for row, seen in view.http if row.reading.status is Status.FAIL and seen.status is not None and seen.status < 500]
    foreign += [row for row, seen in view.http if seen.header("via") is not None or login_page(row.host, seen) or asks_login(seen)]
    for row in foreign[:1]:
        yield Check(
            f"ttl:{row.host}:{row.check.port}", "series", row.host, row.check.port, Transport.TCP,
            about={"purpose": "ttl", "address": row.address, "ttls": "1,2"},
        )  # fmt: skip


def segment_sizes(view: View) -> Iterator[Check]:
    """A conversation that stalls is tried with small segments."""
    stalled = [
        row for row in view.rows("tls", "http") if isinstance(s := row.result.observation, TlsSeen | HttpSeen) and s.ended is Ended.SILENT
    ]
    for row in _hosts(stalled)[:1]:
        yield Check(
            f"mss:{row.host}:{row.check.port}",
            "series",
            row.host,
            row.check.port,
            Transport.TCP,
            about={"purpose": "mss", "address": row.address, "exchange": row.check.kind},
        )


def reset_distances(view: View) -> Iterator[Check]:
    """A reset is compared, by TTL, with a port that works: of the same host, or where it has none, of another."""
    resets = _hosts(view.failing("tcp", cause="refused"))
    works = view.passing("tcp")
    for row in resets:
        beside = next((r for r in works if r.address == row.address), None) or next(iter(works), None)
        for place in (row, beside) if beside is not None else ():
            yield Check(
                f"ttl:{place.host}:{place.check.port}", "series", place.host, place.check.port, Transport.TCP,
                about={"purpose": "ttl", "address": place.address, "ttls": TTLS},
            )  # fmt: skip


def loss_series(view: View) -> Iterator[Check]:
    """Where first packets had to be sent again, many connects to one host that works tell how often."""
    lost, sent = loss(view)
    if lost < 2 or lost / sent < LOSSY_SHARE / 2:
        return
    for row in view.passing("tcp")[:1]:
        yield Check(
            f"loss:{row.host}:{row.check.port}",
            "series",
            row.host,
            row.check.port,
            Transport.TCP,
            about={"purpose": "loss", "address": row.address, "count": str(LOSS_CONNECTS)},
        )


def proxies(view: View) -> Iterator[Check]:
    """Where nothing gets out directly and a proxy is configured, one host is asked for through it."""
    if view.link is None or not view.link.proxies or web_works(view) or not view.failing("tcp", "dns"):
        return
    proxy = next((value for name, value in view.link.proxies if name.lower().startswith(("https", "http", "all"))), None)
    host = next((row.host for row in view.rows("dns") if not is_address(row.host)), None)
    if proxy and host:
        yield Check(f"proxy:{host}:443", "proxy", host, 443, Transport.TCP, about={"proxy": proxy})


def _hosts(rows: list[Row]) -> list[Row]:
    """One row a host, few of them."""
    return list({row.host: row for row in reversed(rows) if row.reading.status is Status.FAIL}.values())[::-1][:MOST_HOSTS_TRIED]
