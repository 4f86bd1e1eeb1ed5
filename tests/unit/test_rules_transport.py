"""The causes of transport: what proves each, and what is near it and must not trigger it."""

from __future__ import annotations

import pytest
from worlds import (
    CANARIES,
    DENIED,
    GATEWAY,
    MAKI,
    MAKIRT,
    NIST,
    RESET,
    SILENCE,
    STREAMER,
    WINDOWS,
    WWW,
    Case,
    Want,
    World,
    beyond,
    chain,
    cut,
    holds,
    host_rows,
    http,
    icmp,
    link,
    losses,
    mute,
    name,
    no_time,
    opinion,
    required,
    says_icmp,
    segments,
    tcp,
    tls,
    ttls,
)  # fmt: skip

from aetui.observations import Ended, HttpSeen, Outcome

EVERYTHING = frozenset(required())
NAMES = frozenset(required(("pm2000",), "dns"))
TIME = frozenset({f"ntp:{NIST}:123", f"ntp:{WINDOWS}:123"})
PACKETS = EVERYTHING - NAMES
SECURE = frozenset(i for i in PACKETS if i.endswith(":443"))
PLAIN = frozenset(i for i in PACKETS if i.endswith(":80"))
ONE_ADDRESS = [f"{label}.alsoenergy.com" for label in ("maki", "moxa", "servlet")]
ISP = "192.31.196.1"
STREAM_443 = f"tcp:{STREAMER}:443"
NO_TIME = Want("ntp-no-reply", TIME)

REFUSED = [
    Case("a reset is the server's own, until something speaks against it", World([(STREAM_443, RESET)]),
         (Want("refused", chain(STREAMER), confidence="likely"),)),
    Case("a reset from nearer than the server's other port is somebody else's",
         World([(STREAM_443, RESET)], added=[ttls(STREAMER, 443, (Outcome.FILTERED, 1), (Outcome.REFUSED, 2)), ttls(STREAMER, 80, (Outcome.OPEN, 7))]),
         (Want("rejected", chain(STREAMER)),)),
    Case("a reset from as far as the server is the server's",
         World([(STREAM_443, RESET)], added=[ttls(STREAMER, 443, (Outcome.REFUSED, 7)), ttls(STREAMER, 80, (Outcome.OPEN, 7))]),
         (Want("refused", chain(STREAMER), confidence="likely"),)),
    Case("a reset from further than the server proves nothing",
         World([(STREAM_443, RESET)], added=[ttls(STREAMER, 443, (Outcome.REFUSED, 8)), ttls(STREAMER, 80, (Outcome.OPEN, 7))]),
         (Want("refused", chain(STREAMER), confidence="likely"),)),
    Case("a reset right behind the gateway, other servers being far, is likely the gateway's",
         World([(f"tcp:{STREAMER}:*", RESET)], added=[ttls(STREAMER, 443, (Outcome.REFUSED, 2)), ttls(WWW, 443, (Outcome.OPEN, 8))]),
         (Want("rejected", chain(STREAMER) | chain(STREAMER, 80), confidence="likely"),)),
    Case("a reset from the middle of the way, without a port of its own to compare, is not",
         World([(f"tcp:{STREAMER}:*", RESET)], added=[ttls(STREAMER, 443, (Outcome.REFUSED, 5)), ttls(WWW, 443, (Outcome.OPEN, 8))]),
         (Want("refused", chain(STREAMER) | chain(STREAMER, 80), confidence="likely"),)),
    Case("where every server is near, a near reset proves nothing",
         World([(f"tcp:{STREAMER}:*", RESET)], added=[ttls(STREAMER, 443, (Outcome.REFUSED, 2)), ttls(WWW, 443, (Outcome.OPEN, 2))]),
         (Want("refused", chain(STREAMER) | chain(STREAMER, 80), confidence="likely"),)),
    Case("one port refused by every host is one finding", World([("tcp:*:80", RESET)]), (Want("refused", PLAIN, confidence="likely"),)),
    Case("every port refused by every host was refused on the way", World([("tcp:*", RESET), ("beyond", beyond(Outcome.REFUSED))]),
         (Want("rejected", PLAIN | SECURE, confidence="likely"),)),
    Case("a time server that says 'port unreachable' itself refuses", World([(f"ntp:{NIST}:123", says_icmp(3, 3, ""))]),
         (Want("refused", {f"ntp:{NIST}:123"}, confidence="likely"),)),
]  # fmt: skip
REJECTED = [
    *(Case(f"ICMP 3/{code} from the gateway names the gateway", World([(STREAM_443, says_icmp(3, code))]),
           (Want("rejected", chain(STREAMER), owner="site-it"),)) for code in (2, 3, 9, 10, 13)),
    Case("the same from further away names that device", World([(STREAM_443, says_icmp(3, 13, ISP))]), (Want("rejected", chain(STREAMER)),)),
    Case("two devices that reject are two findings", World([(STREAM_443, says_icmp(3, 13)), (f"tcp:{WWW}:443", says_icmp(3, 13, ISP))]),
         (Want("rejected", chain(WWW)), Want("rejected", chain(STREAMER)))),
    Case("a gateway that prohibits everything is one finding, and not a dead line",
         World([("tcp:*", says_icmp(3, 13)), ("ntp:*", says_icmp(3, 13)), ("beyond", beyond(Outcome.REJECTED, icmp(3, 13)))]),
         (Want("rejected", PACKETS),)),
    Case("network time prohibited", World([("ntp:*", says_icmp(3, 13))]), (Want("rejected", TIME),)),
    Case("a port and network time, rejected by one device, are told apart by port",
         World([("tcp:*:80", says_icmp(3, 13)), ("ntp:*", says_icmp(3, 13))]), (Want("rejected", PLAIN), Want("rejected", TIME))),
]  # fmt: skip
UNREACHABLE = [
    *(Case(f"ICMP 3/{code} from a router is routing", World([(f"tcp:{STREAMER}:*", says_icmp(3, code, ISP))]),
           (Want("unreachable", chain(STREAMER) | chain(STREAMER, 80)),)) for code in (0, 1, 5, 6, 7, 8, 11, 12)),
    Case("a loop is routing", World([(f"tcp:{STREAMER}:*", says_icmp(11, 0, ISP))]), (Want("unreachable", chain(STREAMER) | chain(STREAMER, 80)),)),
    Case("where the system does not say who, nobody is named", World([(f"tcp:{STREAMER}:*", tcp(Outcome.UNREACHABLE))]),
         (Want("unreachable", chain(STREAMER) | chain(STREAMER, 80)),)),
    Case("this machine's own route that leads nowhere is about that place alone", World([(f"tcp:{STREAMER}:*", tcp(Outcome.NO_ROUTE))]),
         (Want("unreachable", chain(STREAMER) | chain(STREAMER, 80), owner="technician"),)),
    Case("a neighbour that is not there is not the gateway", World([(f"tcp:{STREAMER}:*", tcp(Outcome.NO_NEIGHBOUR))]),
         (Want("unreachable", chain(STREAMER) | chain(STREAMER, 80), owner="technician"),)),
    Case("everything unreachable, told by the provider, is the line",
         World([("tcp:*", says_icmp(3, 0, ISP)), ("ntp:*", says_icmp(3, 0, ISP)), ("beyond", beyond(Outcome.UNREACHABLE, icmp(3, 0, ISP)))]),
         (Want("no-internet", {"beyond", *PACKETS}, owner="isp"),)),
    Case("everything unreachable, told by the gateway, is the line as well",
         World([("tcp:*", says_icmp(3, 0)), ("ntp:*", says_icmp(3, 0)), ("beyond", beyond(Outcome.UNREACHABLE, icmp(3, 0)))]),
         (Want("no-internet", {"beyond", *PACKETS}, owner="site-it"),)),
]  # fmt: skip
FILTERED = [
    Case("one port of one host", World([(STREAM_443, SILENCE)]), (Want("filtered", chain(STREAMER)),)),
    Case("one host on every port", World([(f"tcp:{STREAMER}:*", SILENCE)]), (Want("filtered", chain(STREAMER) | chain(STREAMER, 80)),)),
    Case("one port of every host is one finding", World([("tcp:*:443", SILENCE)]), (Want("filtered", SECURE),)),
    Case("one address that three names share is one finding", World([(f"tcp:{h}:443", SILENCE) for h in ONE_ADDRESS]),
         (Want("filtered", set().union(*map(chain, ONE_ADDRESS))),)),
    Case("two hosts of two addresses are two", World([(STREAM_443, SILENCE), (f"tcp:{WWW}:443", SILENCE)]),
         (Want("filtered", chain(WWW)), Want("filtered", chain(STREAMER)))),
    Case("one port of every host, and another of one", World([("tcp:*:80", SILENCE), (STREAM_443, SILENCE)]),
         (Want("filtered", PLAIN), Want("filtered", chain(STREAMER)))),
    Case("every TCP port while network time answers is no dead line", World([("tcp:*", SILENCE), ("beyond", beyond())]),
         (Want("filtered", PLAIN | SECURE),)),
    Case("one silent host of a soft requirement is a warning",
         World([("tcp:ra.*:2022", SILENCE)], equipment=("acquisuite",)),
         (Want("filtered", {"tcp:ra.buildingmanageronline.com:2022", "ssh:ra.buildingmanageronline.com:2022"}, "warn"),)),
    Case("one address of a range that answers is enough", World([("tcp:172.245.215.*", SILENCE), ("tcp:172.245.215.166:*", tcp())], equipment=("kiosk",))),
    Case("a range of which nothing answers is one warning", World([("tcp:172.245.215.*", SILENCE)], equipment=("kiosk",)),
         (Want("filtered", {i for i in required(("kiosk",)) if "172.245" in i}, "warn"),)),
    Case("a range of which nothing answers on one port is one warning", World([("tcp:172.245.215.*:443", SILENCE)], equipment=("kiosk",)),
         (Want("filtered", {i for i in required(("kiosk",)) if "172.245" in i and i.endswith("443")}, "warn"),)),
    Case("a range of which some are still being asked says nothing yet",
         World([("tcp:172.245.215.*", SILENCE), ("tcp:172.245.215.166:*", None)], equipment=("kiosk",)), (),
         unknown={i for i in required(("kiosk",)) if "172.245" in i}),
    Case("what the deadline kept from being tried is not filtered", World([(f"tcp:{STREAMER}:*", "deadline")]), (),
         unknown={f"tcp:{STREAMER}:443", f"tcp:{STREAMER}:80"}),
    Case("what is still running is not filtered", World([(STREAM_443, None)])),
    Case("IPv6 that is dropped is a warning",
         World([(f"dns:{STREAMER}", name("74.205.11.149", "2620:0:2d0:200::7")), (f"tcp:{STREAMER}:*:ipv6", SILENCE)], ipv6=True),
         (Want("filtered", {f"{k}:{STREAMER}:{p}:ipv6" for k, p in (("tcp", 80), ("http", 80), ("tcp", 443), ("tls", 443), ("http", 443))}, "warn"),)),
]  # fmt: skip
LINE = [
    Case("the gateway answers and nothing beyond it", World([("tcp:*", SILENCE), ("ntp:*", no_time()), ("beyond", beyond())]),
         (Want("no-internet", {"beyond", *PACKETS}, follows=PACKETS, owner="site-it"),)),
    Case("with the names gone too", World([("dns:*", name(rcode="SERVFAIL")), ("canary:*", name(rcode="SERVFAIL")), ("beyond", beyond())]),
         (Want("no-internet", {"beyond", *EVERYTHING}),)),
    Case("without a word of the gateway it is likely only",
         World([("dns:*", mute()), ("canary:*", mute()), ("beyond", beyond()), ("link", link(answers=None))]),
         (Want("no-internet", {"beyond", *EVERYTHING}, confidence="likely"),)),
    Case("a vantage that cannot tell its own link", World([("dns:*", mute()), ("canary:*", mute()), ("beyond", beyond()), ("link", "vantage")], kind="jump"),
         (Want("no-internet", {"beyond", *EVERYTHING}, confidence="likely"),)),
    Case("a second opinion from outside is an answer from beyond",
         World([("dns:*", mute()), ("canary:*", mute()), ("beyond", beyond())], added=[opinion(STREAMER, "74.205.11.149")]),
         (Want("dns-unreachable", {*CANARIES, *EVERYTHING}),)),
    Case("a reset from beyond is an answer", World([("dns:*", mute()), ("canary:*", mute()), ("beyond", beyond(Outcome.REFUSED))]),
         (Want("dns-unreachable", {*CANARIES, *EVERYTHING}),)),
    Case("while connects are still out the line is not called dead",
         World([("tcp:*", SILENCE), (STREAM_443, None), ("ntp:*", no_time()), ("beyond", beyond())]),
         (Want("filtered", (PLAIN | SECURE) - chain(STREAMER)), NO_TIME)),
    Case("this machine's own refusals are no dead line", World([("tcp:*", DENIED), ("ntp:*", no_time(Outcome.DENIED)), ("beyond", beyond(Outcome.DENIED))]),
         (Want("local-firewall", PACKETS),)),
    Case("nothing beyond answers and nothing fails: nobody needed it", World([("beyond", beyond())])),
]  # fmt: skip


def stalls(check: object, _address: str) -> HttpSeen:
    return HttpSeen("http://x/", Ended.SILENT)


STALL = cut(Ended.SILENT)
MTU = [
    Case("a handshake that stalls and lives with small segments",
         World([("tls:*", STALL)], added=[segments(WWW, 443, Ended.SILENT, Ended.DONE)]), (Want("mtu-blackhole", SECURE - {i for i in SECURE if i.startswith("tcp")}),)),
    Case("also where the search found no end", World([("tls:*", STALL)], added=[segments(WWW, 443, Ended.SILENT, Ended.DONE, None)]),
         (Want("mtu-blackhole", SECURE - {i for i in SECURE if i.startswith("tcp")}),)),
    Case("a handshake that stalls whatever the size is cut off",
         World([(f"tls:{WWW}:443", STALL)], added=[segments(WWW, 443, Ended.SILENT, Ended.SILENT, None)]),
         (Want("tls-blocked", {f"tls:{WWW}:443", f"http:{WWW}:443"}, confidence="likely"),)),
    Case("a handshake that lives with full segments the second time is not blamed on their size",
         World([(f"tls:{WWW}:443", STALL)], added=[segments(WWW, 443, Ended.DONE, Ended.DONE, None)]),
         (Want("tls-blocked", {f"tls:{WWW}:443", f"http:{WWW}:443"}, confidence="likely"),)),
    Case("a page that stalls and lives with small segments",
         World([(f"http:{WWW}:80", stalls)], added=[segments(WWW, 80, Ended.SILENT, Ended.CLOSED)]), (Want("mtu-blackhole", {f"http:{WWW}:80"}),)),
    Case("a reset beside it is another fault",
         World([(f"tls:{WWW}:443", STALL), (f"tls:{STREAMER}:443", cut())], added=[segments(WWW, 443, Ended.SILENT, Ended.DONE)]),
         (Want("mtu-blackhole", {f"tls:{WWW}:443", f"http:{WWW}:443"}),
          Want("tls-blocked", {f"tls:{STREAMER}:443", f"http:{STREAMER}:443"}, confidence="likely"))),
]  # fmt: skip
OPEN_ROWS = {i for i in EVERYTHING if i.startswith("tcp:")}
SLOW = Want("slow", OPEN_ROWS, "warn")
HALF_LOST = [1, 0, 1, 2, 0, 1, 0, 0, 3, 1, 0, 1]
PACE = [
    Case("round trips of 800 ms are slow", World([("tcp:*", tcp(rtt=800))]), (SLOW,)),
    Case("round trips of 599 ms are not", World([("tcp:*", tcp(rtt=599))])),
    Case("one slow host among fast ones is not a slow line", World([(f"tcp:{STREAMER}:*", tcp(rtt=3000))])),
    Case("a slow line hides no blocked port", World([("tcp:*", tcp(rtt=800)), (STREAM_443, SILENCE)]),
         (Want("filtered", chain(STREAMER)), Want("slow", OPEN_ROWS - {STREAM_443}, "warn"))),
    Case("many first packets lost are loss", World([("tcp:*:80", tcp(resent=1))], added=[losses(WWW, 443, HALF_LOST)]), (Want("lossy", set(), "warn"),)),
    Case("one lost packet is not", World([(f"tcp:{WWW}:80", tcp(resent=1))], added=[losses(WWW, 443, [0] * 20)])),
    Case("packets sent again on a slow line are no loss", World([("tcp:*", tcp(rtt=1600, resent=1))]), (SLOW,)),
    Case("two first packets lost are no share of anything", World([(f"tcp:{WWW}:*", tcp(resent=1))])),
    Case("silence that loss may have brought about is not filtered",
         World([("tcp:*:80", tcp(resent=1)), (f"ntp:{NIST}:123", no_time())], added=[losses(WWW, 443, HALF_LOST)], attempts=2),
         (Want("lossy", {f"ntp:{NIST}:123"}, "warn"),)),
    Case("silence that it cannot is filtered all the same",
         World([("tcp:*:80", tcp(resent=1)), (f"tcp:{MAKIRT}:443", SILENCE)], added=[losses(WWW, 443, [0, 1, 0, 0, 0, 0, 1, 0, 0, 0] * 2)]),
         (Want("filtered", chain(MAKIRT)), Want("lossy", set(), "warn"))),
]  # fmt: skip
TOGETHER = [
    Case("a dropped port and a rejected one", World([(STREAM_443, SILENCE), (f"tcp:{WWW}:80", says_icmp(3, 13))]),
         (Want("rejected", chain(WWW, 80)), Want("filtered", chain(STREAMER)))),
    Case("a dropped port and no network time", World([(STREAM_443, SILENCE), ("ntp:*", no_time())]), (Want("filtered", chain(STREAMER)), NO_TIME)),
    Case("a refused port and an expired certificate",
         World([(STREAM_443, RESET), (f"tls:{WWW}:443", tls(False, 10, when_valid=True, days=(-90, -2)))]),
         (Want("refused", chain(STREAMER), confidence="likely"), Want("tls-expired", {f"tls:{WWW}:443"}))),
    Case("a sinkholed name and a dropped port", World([(f"dns:{MAKIRT}", name("0.0.0.0")), (STREAM_443, SILENCE)]),
         (Want("dns-filtered", host_rows(MAKIRT)), Want("filtered", chain(STREAMER)))),
    Case("a dead second resolver and a dropped port",
         World([("canary:192.168.50.2:*", mute("192.168.50.2")), (STREAM_443, SILENCE)], resolvers=(GATEWAY, "192.168.50.2")),
         (Want("filtered", chain(STREAMER)),)),
    Case("segments that vanish and no network time",
         World([("tls:*", STALL), ("ntp:*", no_time())], added=[segments(WWW, 443, Ended.SILENT, Ended.DONE)]),
         (Want("mtu-blackhole", {i for i in SECURE if not i.startswith("tcp")}), NO_TIME)),
    Case("a dropped port and a page with an error of its own", World([(STREAM_443, SILENCE), (f"http:{MAKI}:80", http(500))]),
         (Want("filtered", chain(STREAMER)), Want("http-error", {f"http:{MAKI}:80"}))),
]  # fmt: skip


@pytest.mark.parametrize("case", [*REFUSED, *REJECTED, *UNREACHABLE, *FILTERED, *LINE, *MTU, *PACE, *TOGETHER], ids=str)
def test_causes_of_transport(case: Case) -> None:
    holds(case)
