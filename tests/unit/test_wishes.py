"""What the rules wish to see besides: what calls for each, what does not, and how little of it there is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from worlds import (
    GONE,
    MAKIRT,
    NIST,
    RESET,
    SILENCE,
    STREAMER,
    WWW,
    Change,
    World,
    banner,
    beyond,
    cut,
    ftp,
    http,
    link,
    losses,
    mute,
    name,
    names,
    no_time,
    ntp,
    opinion,
    other_name,
    says_icmp,
    tcp,
    tls,
)  # fmt: skip

from aetui.catalogue import Catalogue, load
from aetui.diagnosis import followups
from aetui.diagnosis.wishes import MOST_HOSTS_TRIED, MOST_NAMES_ASKED
from aetui.observations import Ended, HttpSeen, Outcome
from aetui.state import State

RA = "ra.buildingmanageronline.com"
PROXIED = link(proxies=(("https_proxy", "http://proxy.site.example:3128"),))
LOST = [("tcp:*:80", tcp(resent=1))]


def wished(state: State) -> set[str]:
    return {check.id for check in followups(state)}


def asked(host: str) -> set[str]:
    return {f"opinion:{resolver}:{host}" for resolver in ("9.9.9.9", "1.1.1.1")}


def sni(host: str) -> set[str]:
    return {f"tcp:{host}:443:sni", f"tls:{host}:443:sni"}


WISHES: list[tuple[str, World, set[str]]] = [
    ("a healthy site makes no wish", World(), set()),
    ("a missing name is asked for outside", World([(f"dns:{MAKIRT}", GONE)]), asked(MAKIRT)),
    ("a name at an address that no public host has, too", World([(f"dns:{MAKIRT}", name("0.0.0.0")), (f"tcp:{MAKIRT}:*", tcp(Outcome.FAILED))]), asked(MAKIRT)),
    ("a name at a strange address where something fails, too", World([(f"dns:{STREAMER}", name("93.184.216.34")), (f"http:{STREAMER}:443", http(503))]),
     asked(STREAMER)),
    ("a name at a strange address where all is well is not", World([(f"dns:{STREAMER}", name("93.184.216.34"))]), set()),
    ("a dead resolver is asked about nowhere else: its names are not missing", World([("dns:*", mute()), ("canary:*", mute())]), set()),
    ("a handshake that died after the hello is tried with another name", World([(f"tls:{STREAMER}:443", cut())]), sni(STREAMER)),
    ("one that stalls is tried with small segments as well", World([(f"tls:{STREAMER}:443", cut(Ended.SILENT))]), sni(STREAMER) | {f"mss:{STREAMER}:443"}),
    ("one that died later is not", World([(f"tls:{STREAMER}:443", cut(Ended.RESET, "certificate", 900))]), set()),
    ("a page that stalls is tried with small segments", World([(f"http:{WWW}:80", lambda c, a: HttpSeen("u", Ended.SILENT))]), {f"mss:{WWW}:80"}),
    ("a reset is measured beside a port of the same host that works", World([(f"tcp:{STREAMER}:443", RESET)]), {f"ttl:{STREAMER}:443", f"ttl:{STREAMER}:80"}),
    ("or of another, where it has none", World([(f"tcp:{STREAMER}:*", RESET)]), {f"ttl:{STREAMER}:80", f"ttl:{WWW}:80"}),
    ("silence and ICMP errors are measured against nothing", World([(f"tcp:{STREAMER}:443", SILENCE), (f"tcp:{WWW}:80", says_icmp(3, 13))]), set()),
    ("a page that may be somebody else's: how far away does it answer?", World([(f"http:{WWW}:80", http(403, b"FortiGuard: blocked by policy"))]), {f"ttl:{WWW}:80"}),
    ("a silent support port is asked as a web server would be", World([(f"ssh:{RA}:2022", banner(None, Ended.SILENT))], equipment=("acquisuite",)),
     {f"tcp:{RA}:2022:else", f"http:{RA}:2022:else"}),
    ("first packets sent again call for a count", World(LOST), {f"loss:{WWW}:80"}),
    ("one of them does not", World([(f"tcp:{WWW}:80", tcp(resent=1))]), set()),
    ("a configured proxy is tried where nothing gets out", World([("tcp:*", SILENCE), ("beyond", beyond()), ("link", PROXIED)]), {f"proxy:{WWW}:443"}),
    ("and not where something does", World([(f"tcp:{STREAMER}:443", SILENCE), ("link", PROXIED)]), set()),
    ("certificates, time and files that are wrong call for nothing more",
     World([(f"tls:{WWW}:443", tls(False)), (f"ntp:{NIST}:123", ntp(7200)), ("ntp:time.windows*", no_time()), ("ftp:*", ftp())], equipment=("pm2000", "sma-ftp")),
     set()),
]  # fmt: skip


@pytest.mark.parametrize(("when", "world", "wanted"), WISHES, ids=[row[0].replace(" ", "-") for row in WISHES])
def test_a_wish_is_made_where_it_can_change_the_diagnosis(when: str, world: World, wanted: set[str]) -> None:
    assert wished(world.state()) == wanted


def test_what_has_been_answered_is_not_wished_for_again() -> None:
    changes: list[Change] = [(f"dns:{MAKIRT}", GONE), (f"tls:{STREAMER}:443", cut()), *LOST]
    added = [
        opinion(MAKIRT, rcode="NXDOMAIN"),
        opinion(MAKIRT, rcode="NXDOMAIN", by="1.1.1.1"),
        *other_name(STREAMER, tls()),
        losses(WWW, 80, [0]),
    ]
    assert wished(World(changes, added=added).state()) == set()


def test_wishes_are_bounded_however_much_is_wrong() -> None:
    everything = World([("dns:*", GONE)], equipment=("pm2000", "acquisuite", "minisite", "sma-ftp", "logmein")).state()
    assert len(wished(everything)) <= 2 * MOST_NAMES_ASKED
    cut_off = World([("tls:*", cut(Ended.SILENT))], equipment=("pm2000", "acquisuite", "minisite")).state()
    assert len({i.split(":")[1] for i in wished(cut_off)}) <= MOST_HOSTS_TRIED


def test_opinions_are_asked_of_those_whom_the_plan_names() -> None:
    assert not wished(World([(f"dns:{MAKIRT}", names(GONE))], equipment=("pm2000",), catalogue=_without_opinions()).state())


def _without_opinions() -> Catalogue:
    return replace(load(), opinions=())
