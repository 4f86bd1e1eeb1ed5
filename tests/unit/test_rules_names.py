"""The causes of names: what proves each, and what is near it and must not trigger it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from worlds import (
    CANARIES,
    FREE,
    GATEWAY,
    GONE,
    MAKI,
    MAKIRT,
    NIST,
    NOBODY_TO_ASK,
    SILENCE,
    STREAMER,
    WINDOWS,
    WWW,
    Case,
    Want,
    World,
    beyond,
    chain,
    holds,
    host_rows,
    icmp,
    link,
    mute,
    name,
    names,
    no_time,
    opinion,
    required,
    tcp,
    tls,
)  # fmt: skip

from aetui.observations import Outcome

EVERYTHING = frozenset(required())
NAMES = frozenset(required(("pm2000",), "dns"))
SECOND = "192.168.50.2"
SECOND_CANARIES = {f"canary:{SECOND}:com", f"canary:{SECOND}:own"}
PUBLIC, LIES_AT = "8.8.8.8", "192.52.193.80"
HOSTS = sorted(i.removeprefix("dns:") for i in NAMES)
ADDRESS = {STREAMER: "74.205.11.149", MAKI: "146.20.187.118", MAKIRT: "104.239.186.186", WWW: "204.232.231.197"}


def documented(host: str) -> str:
    return {**FREE, **{h: ADDRESS[MAKI] for h in HOSTS if "maki." in h or "moxa" in h or "servlet" in h}, **ADDRESS}[host]


def dead(resolver: str) -> list[tuple[str, object]]:
    return [(f"canary:{resolver}:*", mute(resolver))]


def two(first: object, second: object, host: str = "*") -> tuple[str, object]:
    return f"dns:{host}", names(first, second)  # type: ignore[arg-type]


def by_second(host: str) -> object:
    return name(ADDRESS[host], by=SECOND)


def other_address(host: str, address: str = "93.184.216.34") -> tuple[str, object]:
    return f"dns:{host}", name(address)


UNREACHABLE = [
    Case("a resolver that answers nothing is the root of all", World([("dns:*", mute()), *dead(GATEWAY), ("beyond", beyond(Outcome.OPEN))]),
         (Want("dns-unreachable", {*CANARIES, *EVERYTHING}, follows=EVERYTHING),)),
    Case("its ICMP error is told with its words",
         World([("dns:*", name(outcome=Outcome.REJECTED, icmp=icmp(3, 3))), ("canary:*", name(outcome=Outcome.REJECTED, icmp=icmp(3, 3)))]),
         (Want("dns-unreachable", {*CANARIES, *EVERYTHING}),)),
    Case("a dead resolver beside one that works is a warning of its own",
         World([*dead(SECOND), *(two(name(documented(h)), mute(SECOND), h) for h in HOSTS)], resolvers=(GATEWAY, SECOND)),
         (Want("dns-unreachable", SECOND_CANARIES, "warn"),)),
    Case("also where it is the first, and logger and laptop wait for it",
         World([*dead(GATEWAY), *(two(mute(), name(documented(h), by=SECOND), h) for h in HOSTS)], resolvers=(GATEWAY, SECOND)),
         (Want("dns-unreachable", CANARIES, "warn"),)),
    Case("two dead resolvers are one finding",
         World([("dns:*", names(mute(), mute(SECOND))), *dead(GATEWAY), *dead(SECOND), ("beyond", beyond(Outcome.OPEN))], resolvers=(GATEWAY, SECOND)),
         (Want("dns-unreachable", {*CANARIES, *SECOND_CANARIES, *EVERYTHING}),)),
    Case("a resolver that answers all names but one is alive", World([(f"dns:{STREAMER}", mute())]),
         (Want("dns-unreachable", host_rows(STREAMER), confidence="likely"),)),
    Case("no resolver set is told as that",
         World([("dns:*", NOBODY_TO_ASK), ("link", link(resolvers=()))], resolvers=()),
         (Want("dns-unreachable", {"link", *EVERYTHING}, follows=EVERYTHING),)),
    Case("a public resolver that answers is something beyond the gateway",
         World([("tcp:*", SILENCE), ("ntp:*", no_time()), ("beyond", beyond())], resolvers=(PUBLIC,)),
         (Want("filtered", EVERYTHING - NAMES - {f"ntp:{NIST}:123", f"ntp:{WINDOWS}:123"}),
          Want("ntp-no-reply", {f"ntp:{NIST}:123", f"ntp:{WINDOWS}:123"}))),
    Case("a resolver whose silence the run's end cut short is not dead",
         World([("canary:192.168.50.2:*", name(outcome=Outcome.FILTERED, by=SECOND, elapsed_ms=900.0)),
                *(two(name(documented(h)), name(outcome=Outcome.FILTERED, by=SECOND, elapsed_ms=900.0), h) for h in HOSTS)],
               resolvers=(GATEWAY, SECOND), cut=True)),
    Case("while names are still being asked nobody is called dead", World([("dns:*", mute()), *dead(GATEWAY), (f"dns:{STREAMER}", None)]),
         (Want("dns-unreachable", EVERYTHING - host_rows(STREAMER), confidence="likely"),)),
]  # fmt: skip
FAILING = [
    Case("SERVFAIL for every name", World([("dns:*", name(rcode="SERVFAIL")), ("canary:*", name(rcode="SERVFAIL"))]),
         (Want("dns-failing", {*CANARIES, *EVERYTHING}, follows=EVERYTHING),)),
    Case("REFUSED for every name", World([("dns:*", name(rcode="REFUSED")), ("canary:*", name(rcode="REFUSED"))]),
         (Want("dns-failing", {*CANARIES, *EVERYTHING}),)),
    Case("a resolver that refuses one name fails for that alone", World([(f"dns:{STREAMER}", name(rcode="REFUSED"))]),
         (Want("dns-failing", host_rows(STREAMER), confidence="likely"),)),
    Case("SERVFAIL from the first and an address from the second is what a logger gets",
         World([(f"dns:{STREAMER}", names(name(rcode="SERVFAIL"), by_second(STREAMER)))], resolvers=(GATEWAY, SECOND))),
    Case("silence from the first and an address from the second as well",
         World([(f"dns:{STREAMER}", names(mute(), by_second(STREAMER)))], resolvers=(GATEWAY, SECOND))),
]  # fmt: skip
MISSING = [
    Case("nobody knows the name, and nobody outside was asked", World([(f"dns:{MAKIRT}", GONE)]),
         (Want("dns-name-missing", host_rows(MAKIRT), confidence="possible", owner="site-it"),)),
    Case("nobody knows the name, outside neither", World([(f"dns:{MAKIRT}", GONE)], added=[opinion(MAKIRT, rcode="NXDOMAIN")]),
         (Want("dns-name-missing", host_rows(MAKIRT), owner="vendor"),)),
    Case("a second opinion that stays silent is none",
         World([(f"dns:{MAKIRT}", GONE)], added=[opinion(MAKIRT, outcome=Outcome.FILTERED)]),
         (Want("dns-name-missing", host_rows(MAKIRT), confidence="possible"),)),
    Case("a name without any address is missing too", World([(f"dns:{MAKIRT}", name())], added=[opinion(MAKIRT)]),
         (Want("dns-name-missing", host_rows(MAKIRT)),)),
]  # fmt: skip


def filtered(*hosts: str, confidence: str = "certain") -> tuple[Want, ...]:
    fed = set().union(*(host_rows(h) - {f"dns:{h}"} for h in hosts))
    return (Want("dns-filtered", {*(f"dns:{h}" for h in hosts), *fed}, confidence=confidence, follows=fed),)


FILTERED = [
    *(Case(f"{address} is a sinkhole", World([(f"dns:{STREAMER}", name(address)), (f"tcp:{STREAMER}:*", tcp(Outcome.FAILED))]), filtered(STREAMER))
      for address in ("0.0.0.0", "127.0.0.1", "192.168.50.1", "10.10.34.36", "::", "fd00::1", "100.64.0.1", "169.254.1.1", "224.0.0.1")),
    Case("two names in sinkholes are one finding", World([(f"dns:{h}", name("0.0.0.0")) for h in (STREAMER, MAKI)]), filtered(MAKI, STREAMER)),
    Case("no such name here, an address outside", World([(f"dns:{MAKIRT}", GONE)], added=[opinion(MAKIRT, ADDRESS[MAKIRT])]), filtered(MAKIRT)),
    Case("no such name here, a sinkhole outside, is no second opinion against it",
         World([(f"dns:{MAKIRT}", GONE)], added=[opinion(MAKIRT, "0.0.0.0")]), (Want("dns-name-missing", host_rows(MAKIRT)),)),
    Case("no such name by the first resolver, an address by the second",
         World([(f"dns:{STREAMER}", names(GONE, by_second(STREAMER)))], resolvers=(GATEWAY, SECOND)), filtered(STREAMER)),
    Case("the same the other way round is what a logger gets",
         World([(f"dns:{STREAMER}", names(name(ADDRESS[STREAMER]), name(rcode="NXDOMAIN", by=SECOND)))], resolvers=(GATEWAY, SECOND))),
    Case("an address that nobody outside knows, in place of the documented one, where the name fails",
         World([other_address(STREAMER), (f"tcp:{STREAMER}:443", SILENCE)], added=[opinion(STREAMER, ADDRESS[STREAMER])]), filtered(STREAMER)),
    Case("an address that nobody outside knows, with a stranger's certificate",
         World([other_address(STREAMER), (f"tls:{STREAMER}:443", tls(matches=False))], added=[opinion(STREAMER, "93.184.216.99")]), filtered(STREAMER)),
    Case("unrelated names at one strange address with a strange certificate",
         World([other_address(STREAMER), other_address(WWW), (f"tls:{STREAMER}:443", tls(matches=False)), (f"tls:{WWW}:443", tls(matches=False))]),
         filtered(WWW, STREAMER, confidence="likely")),
]  # fmt: skip


def changed(*hosts: str) -> Want:
    return Want("dns-changed", {f"dns:{h}" for h in hosts}, "info")


CHANGED = [
    Case("another public address at which all is well is information", World([other_address(STREAMER)]), (changed(STREAMER),)),
    Case("two services that moved to one address, and work there, are information", World([other_address(STREAMER), other_address(WWW)]),
         (changed(WWW, STREAMER),)),
    Case("other addresses for every asker, and a blocked port, blame no resolver",
         World([other_address(STREAMER), (f"tcp:{STREAMER}:443", SILENCE)], added=[opinion(STREAMER, "93.184.216.99")]),
         (Want("filtered", chain(STREAMER)), changed(STREAMER))),
    Case("the new address is known outside too, and the port is blocked",
         World([other_address(STREAMER), (f"tcp:{STREAMER}:443", SILENCE)], added=[opinion(STREAMER, "93.184.216.34")]),
         (Want("filtered", chain(STREAMER)), changed(STREAMER))),
    Case("without a second opinion a blocked port at a new address is a blocked port",
         World([other_address(STREAMER), (f"tcp:{STREAMER}:443", SILENCE)]), (Want("filtered", chain(STREAMER)), changed(STREAMER))),
    Case("one of the documented addresses among several is no change", World([(f"dns:{STREAMER}", name("93.184.216.34", ADDRESS[STREAMER]))])),
    Case("hosts without a documented address never change", World([other_address("fonts.gstatic.com")], equipment=("minisite",))),
    Case("an IPv6 address beside the documented one is no change",
         World([(f"dns:{STREAMER}", name(ADDRESS[STREAMER], "2606:2800:220:1::1"))])),
]  # fmt: skip
EVERY_NAME = [("canary:*:com", name(LIES_AT)), ("canary:*:own", name(LIES_AT)), ("dns:*", name(LIES_AT))]
HIJACKED = [
    Case("every name leads to one place, made-up ones too",
         World([*EVERY_NAME, ("tcp:*:443", tcp(Outcome.REFUSED)), ("ntp:*", no_time())]),
         (Want("dns-hijacked", {*CANARIES, *EVERYTHING}, follows=EVERYTHING - NAMES),)),
    Case("made-up names lead somewhere and real ones do not: a warning", World([("canary:*", name(LIES_AT))]),
         (Want("dns-hijacked", CANARIES, "warn"),)),
    Case("a vendor that answers for every name of its own hijacks nothing", World([("canary:*:own", name(ADDRESS[WWW]))])),
    Case("a made-up name that is refused or silent hijacks nothing", World([("canary:*:com", name(rcode="REFUSED")), ("canary:*:own", mute())])),
    Case("made-up names at a sinkhole are hijacked too",
         World([("canary:*", name("10.0.0.1")), ("dns:*", name("10.0.0.1")), ("tcp:*", SILENCE), ("ntp:*", no_time())]),
         (Want("dns-hijacked", {*CANARIES, *EVERYTHING}),)),
    Case("real names at the made-up names' place are hijacked, the others are not",
         World([("canary:*", name(LIES_AT)), (f"dns:{STREAMER}", name(LIES_AT)), (f"tls:{STREAMER}:443", tls(matches=False))]),
         (Want("dns-hijacked", {*CANARIES, *host_rows(STREAMER)}),)),
]  # fmt: skip
TRANSPORT = [
    Case("a resolver that answers over TCP alone",
         World([*((f"dns:{h}", name(documented(h), transport="tcp", asked=4)) for h in HOSTS),
                ("canary:*", name(rcode="NXDOMAIN", transport="tcp", asked=4))]),
         (Want("filtered", NAMES),)),
    Case("an answer that was too long for UDP came over TCP rightly",
         World([(f"dns:{h}", name(a, transport="tcp", truncated=True, asked=2)) for h, a in ADDRESS.items()])),
    Case("where UDP was never tried nothing is said of it",
         World([(f"dns:{h}", name(a, transport="tcp")) for h, a in ADDRESS.items()], kind="jump")),
    Case("one answer over TCP after losses is no filter", World([(f"dns:{STREAMER}", name(ADDRESS[STREAMER], transport="tcp", asked=4))])),
]  # fmt: skip
TOGETHER = [
    Case("a lie about one name and no network time are two",
         World([(f"dns:{STREAMER}", name("0.0.0.0")), ("ntp:*", no_time())]),
         (*filtered(STREAMER), Want("ntp-no-reply", {f"ntp:{NIST}:123", f"ntp:{WINDOWS}:123"}))),
    Case("a missing name and another's bad certificate are two",
         World([(f"dns:{MAKIRT}", GONE), (f"tls:{WWW}:443", tls(matches=False))], added=[opinion(MAKIRT, rcode="NXDOMAIN")]),
         (Want("dns-name-missing", host_rows(MAKIRT)), Want("tls-name-mismatch", {f"tls:{WWW}:443"}))),
    Case("a missing name and a sinkhole are two", World([(f"dns:{MAKIRT}", GONE), (f"dns:{WWW}", name("0.0.0.0"))]),
         (*filtered(WWW), Want("dns-name-missing", host_rows(MAKIRT), confidence="possible"))),
    Case("a failing resolver hides nothing of what answers by address",
         World([("dns:*", name(rcode="SERVFAIL")), ("canary:*", name(rcode="SERVFAIL")), ("tcp:216.246.49.51:443", SILENCE)], equipment=("kiosk",)),
         (Want("dns-failing", {*CANARIES, *(i for i in required(("kiosk",)) if "time." in i or "www." in i)}),
          Want("filtered", {"tcp:216.246.49.51:443"}))),
]  # fmt: skip


@pytest.mark.parametrize("case", [*UNREACHABLE, *FAILING, *MISSING, *FILTERED, *CHANGED, *HIJACKED, *TRANSPORT, *TOGETHER], ids=str)
def test_causes_of_names(case: Case) -> None:
    holds(case)


def test_a_vantage_that_cannot_tell_its_resolvers_is_not_one_without() -> None:
    world = World([("dns:*", NOBODY_TO_ASK), ("link", None)], resolvers=())
    state = world.state()
    state.vantage = replace(state.vantage, missing=("resolvers",))
    from worlds import diagnosed

    found = diagnosed(state)
    assert not found.findings
    assert found.verdict.value == "undetermined"


def test_a_private_address_that_the_users_own_file_documents_is_no_sinkhole(tmp_path: object) -> None:
    from pathlib import Path

    from aetui.catalogue import load

    own = Path(str(tmp_path)) / "own.toml"
    own.write_text(f"[[endpoint]]\nhost = '{STREAMER}'\naddresses = ['10.20.0.9']\nequipment = ['pm2000']\nhttps = [443]\n")
    holds(Case("", World([(f"dns:{STREAMER}", name("10.20.0.9"))], catalogue=load(own))))
