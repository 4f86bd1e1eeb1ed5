"""A firewall request asks for what is needed and no more, in words that the product's own documentation has, and nothing in it can be
more than it is.

The grammars below are the vendors' documented command forms, as far as requests use them: Cisco ASA CLI configuration guides (Objects
for Access Control; Access Control Lists; Network Object NAT), FortiOS CLI reference (firewall address, service custom, policy, vip,
ssl-ssh-profile), PAN-OS CLI (set configuration), Microsoft's New-NetFirewallRule, nft(8) and iptables(8).
"""

from __future__ import annotations

import csv
import io
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address, ip_network
from itertools import pairwise

import pytest
from kept_sessions import HOSTILE, about, alone, catalogue, kept, look, looks

from aetui.causes import load_causes
from aetui.entries import InboundDone, Kept
from aetui.reach import InboundSeen, Target
from aetui.records import Confidence, Diagnosed, Owner, Severity, VantageInfo
from aetui.report.asks import FTP_DATA, Ask, Asked, asked, source
from aetui.report.letter import letter
from aetui.report.request import HEADER, PLACEHOLDERS, PRODUCTS, Site, product, request, site_of

NAMED = ("generic", "cisco-asa", "fortigate", "palo-alto")
BY_ADDRESS = ("nftables", "iptables", "windows")
KNOWN = {"logger": "192.168.50.30", "support": ("198.51.100.0/28", "203.0.113.7/32")}


def text(name: str, one: Kept | None = None, everything: bool = True, **site: object) -> str:
    session = one or kept("healthy", ("pm2000", "acquisuite", "sma-ftp", "kiosk"))
    return request(asked(session, catalogue(), everything), site_of(session, catalogue(), **site), name)  # type: ignore[arg-type]


def lines(name: str, **site: object) -> list[str]:
    """What is not a comment."""
    mark = product(name).comment.format(text="").strip()
    return [line for line in text(name, **site).splitlines() if line.strip() and not line.lstrip().startswith(mark)]


def keys(one: Asked) -> set[tuple[str, str, str, str]]:
    return {(ask.kind, ask.protocol, ask.ports, ask.target) for ask in one.asks}


# ----------------------------------------------------------------------------------------------------------------- what is asked
def test_everything_holds_every_need_of_the_catalogue_dns_time_ftp_data_inspection_and_inbound() -> None:
    found = keys(asked(kept("healthy", ("pm2000", "sma-ftp", "kiosk")), catalogue(), everything=True))
    for host in ("www", "maki", "moxa", "servlet", "makirt", "streamer"):
        for port in ("80", "443"):
            assert ("allow", "tcp", port, f"{host}.alsoenergy.com") in found
        assert ("exempt", "tcp", "443", f"{host}.alsoenergy.com") in found
    assert {("allow", "udp", "123", host) for host in ("time.windows.com", "time.nist.gov")} <= found
    assert {("dns-here", protocol, "53", "192.168.50.1") for protocol in ("udp", "tcp")} <= found
    assert {("ftp", "tcp", FTP_DATA, f"{host}.alsoenergy.com") for host in ("smaftpdm", "ptsmaftp")} <= found
    assert {("allow", "tcp", "443", "172.245.215.160/27"), ("allow", "tcp", "443", "216.246.49.51")} <= found
    assert ("forward", "tcp", "3389", "rdp") in found
    assert not any(ports == "80" and "time." in target for _, _, ports, target in found), "stated ports are not asked for"


@pytest.mark.parametrize(
    ("scenario", "asks"),
    [
        ("healthy", set()),
        ("port-dropped", {("allow", "tcp", "443", "streamer.alsoenergy.com")}),
        ("ntp-blocked", {("allow", "udp", "123", "time.windows.com"), ("allow", "udp", "123", "time.nist.gov")}),
        ("dns-dead", {("dns-here", "udp", "53", "192.168.50.1"), ("dns-here", "tcp", "53", "192.168.50.1")}),
        ("port-refused", set()),
        ("tls-expired", set()),
    ],
)
def test_what_failed_asks_for_what_a_firewall_can_open_and_nothing_else(scenario: str, asks: set[tuple[str, str, str, str]]) -> None:
    assert keys(asked(kept(scenario, ("pm2000",)), catalogue())) == asks


def test_interception_asks_for_exemptions_not_for_ports() -> None:
    found = asked(kept("tls-intercepted", ("pm2000",)), catalogue())
    assert {ask.kind for ask in found.asks} == {"exempt"}
    assert "www.alsoenergy.com" in {ask.target for ask in found.asks}


def test_what_could_not_be_tested_behind_a_fault_is_counted() -> None:
    assert asked(kept("dns-dead", ("pm2000",)), catalogue()).later > 10
    assert "--all asks for everything" in text("generic", kept("dns-dead", ("pm2000",)), everything=False)
    assert asked(kept("healthy", ("pm2000",)), catalogue()).later == 0


def cut_short(one: Kept) -> Kept:
    """The session as it stood when only its first half had been checked."""
    results = dict(list(one.state.results.items())[: len(one.state.results) // 2])
    from aetui.diagnosis import diagnose

    state = replace(one.state, results=results, ended="cancelled")
    return replace(one, state=replace(state, diagnosis=diagnose(state)))


def test_a_letter_says_nothing_else_is_needed_only_where_that_was_seen() -> None:
    def told(one: Kept) -> str:
        return " ".join(letter(one, asked(one, catalogue()), site_of(one, catalogue()), load_causes()).split())

    behind = kept("dns-dead", ("pm2000",))
    assert f"{asked(behind, catalogue()).later} more could not be tested yet" in told(behind)
    assert "Nothing else" not in told(behind)
    assert "Nothing else needs to be opened." in told(kept("port-dropped", ("pm2000",)))


@pytest.mark.parametrize(
    ("made", "comment", "sentence"),
    [
        (lambda: alone("knock"), "Nothing was tested in this session", "has not been tested yet"),
        (lambda: alone("trace"), "Nothing was tested in this session", "has not been tested yet"),
        (lambda: kept("healthy", ("pm2000",)), "what could be tested gets through", "No change is needed."),
        (lambda: cut_short(kept("healthy", ("pm2000",))), "more could not be tested yet", "more could not be tested yet"),
    ],
    ids=["knocks alone", "a path alone", "everything holds", "ended early"],
)
def test_that_nothing_is_to_be_asked_is_said_only_of_what_was_tested(made: Callable[[], Kept], comment: str, sentence: str) -> None:
    one = made()
    wanted, site = asked(one, catalogue()), site_of(one, catalogue())
    said = " ".join(letter(one, wanted, site, load_causes()).split())
    assert comment in request(wanted, site, "generic")
    assert sentence in said
    assert ("No change" in said) is (sentence == "No change is needed.")


def test_a_server_on_this_machine_is_no_matter_of_a_firewall_and_one_on_the_link_is_near() -> None:
    one = resolved("127.0.0.53", "::1", "fe80::1%eth0", "192.168.50.1", "2001:db8::53", "198.51.100.53")
    found = [(ask.kind, ask.target) for ask in asked(one, catalogue(), everything=True).asks if ask.ports == "53" and ask.protocol == "udp"]
    assert found == [("dns-here", "fe80::1%eth0"), ("dns-here", "192.168.50.1"), ("allow", "2001:db8::53"), ("allow", "198.51.100.53")]


def resolved(*resolvers: str) -> Kept:
    """A session whose machine asks these for names."""
    one = kept("healthy", ("pm2000",))
    return replace(one, state=replace(one.state, vantage=replace(one.state.vantage, resolvers=resolvers)))


@pytest.mark.parametrize("name", [p for p in PRODUCTS if p != "csv"])
def test_dns_is_not_forgotten_where_no_server_is_known(name: str) -> None:
    for resolvers in ((), ("127.0.0.1",)):
        one = resolved(*resolvers)
        assert "no DNS server of this network is known here" in text(name, one)
        wanted = asked(one, catalogue(), everything=True)
        said = " ".join(letter(one, wanted, site_of(one, catalogue()), load_causes(), everything=True).split())
        assert "DNS server that it is given" in said
        assert "Nothing else" not in said
    assert "no DNS server" not in text(name, resolved("192.168.50.1")) + text(name, resolved(), everything=False)


@pytest.mark.parametrize("name", [p for p in PRODUCTS if p not in {"csv", "generic"}])
def test_an_ipv6_address_is_never_written_into_a_rule_for_ipv4(name: str) -> None:
    """As an address of 32 bits it would be a whole provider's network, and a line that a firewall does not take loses the others too."""
    mark = product(name).comment.format(text="").strip()
    rules = [line for line in text(name, resolved("fe80::1%eth0", "2001:db8::53", "192.168.50.1")).splitlines() if not line.startswith(mark)]
    assert not any("fe80" in line for line in rules)
    mine = [line for line in rules if "2001:db8::53" in line]
    assert all("daddr 2001:db8::53 " in line or "-d 2001:db8::53 " in line or "-RemoteAddress 2001:db8::53 " in line for line in mine)
    assert len(mine) == (2 if name in BY_ADDRESS else 0)
    assert ("IPv6 address and these rules are for IPv4" in text(name, resolved("2001:db8::53"))) is (name not in BY_ADDRESS)


def test_a_line_says_why_who_asked_and_what_was_seen() -> None:
    (ask,) = asked(kept("port-dropped", ("pm2000",)), catalogue()).asks
    assert ask.why == "Used by PM2000 and PS3000."
    assert ask.asked == "PM2000 (AlsoEnergy Networking Requirements, Gateway and datalogger IP endpoints)"
    assert re.fullmatch(r"filtered \(no answer\) on \d{4}-\d\d-\d\d \d\d:\d\d UTC", ask.evidence)


def test_one_need_of_two_pieces_of_equipment_is_one_line_that_names_both() -> None:
    found = asked(kept("healthy", ("pm2000", "kiosk")), catalogue(), everything=True).asks
    (www,) = [ask for ask in found if ask.kind == "allow" and ask.target == "www.alsoenergy.com" and ask.ports == "443"]
    assert "PM2000" in www.asked
    assert "Kiosk" in www.asked
    assert [ask.number for ask in found] == list(range(1, len(found) + 1))


def test_addresses_are_the_documented_ones_and_those_of_trustworthy_answers() -> None:
    found = asked(kept("healthy", ("pm2000",)), catalogue(), everything=True).asks
    by_target = {ask.target: ask for ask in found if ask.kind == "allow"}
    assert by_target["maki.alsoenergy.com"].documented == ("146.20.187.118",)
    assert by_target["time.nist.gov"].documented == ()
    assert by_target["time.nist.gov"].seen
    filtered = asked(kept("dns-filtered", ("pm2000",)), catalogue(), everything=True).asks
    assert not any(address in {"0.0.0.0", "127.0.0.1"} for ask in filtered for address in ask.addresses)


def test_a_missing_forward_asks_for_a_forward() -> None:
    said = Diagnosed("forward-missing", Severity.FAIL, Confidence.CERTAIN, "t", "s", (), ("rdp:203.0.113.7:3389",), Owner.SITE_IT, (), "b")
    one = replace(kept("healthy", ("pm2000",)), inbound=(InboundDone(1.0, InboundSeen(), (said,)),))
    assert keys(asked(one, catalogue())) == {("forward", "tcp", "3389", "rdp")}


MISSING, WORKS = look(), look("service-confirmed", Severity.INFO, port=23, service="telnet")
OTHER_LOGGER = look("forward-refused", port=33890, inside=3389)
UNKNOWN_PLACE = replace(look(), seen=InboundSeen())


@pytest.mark.parametrize(
    ("entries", "everything", "lines"),
    [
        ((looks(MISSING, WORKS),), False, ["3389 rdp: forward-missing (Summary of forward-missing) on"]),
        ((MISSING, WORKS), False, ["3389 rdp: forward-missing (Summary of forward-missing) on"]),
        ((MISSING,), False, ["3389 rdp: forward-missing (Summary of forward-missing) on"]),
        (
            (looks(MISSING, WORKS),),
            True,
            ["3389 rdp: forward-missing (Summary of forward-missing) on", "23 telnet: works, Summary of service-confirmed on"],
        ),
        ((MISSING,), True, ["3389 rdp: forward-missing (Summary of forward-missing) on", "23 telnet: not tested yet"]),
        (
            (looks(MISSING, look("forward-refused", port=23, service="telnet")),),
            False,
            [
                "3389 rdp: forward-missing (Summary of forward-missing) on",
                "23 telnet: forward-refused (Summary of forward-refused) on",
            ],
        ),
        (
            (looks(look("service-confirmed", Severity.INFO), OTHER_LOGGER),),
            False,
            ["33890 rdp: forward-refused (Summary of forward-refused) on"],
        ),
        ((UNKNOWN_PLACE,), False, ["3389 rdp: forward-missing (Summary of forward-missing) on"]),
    ],
)
def test_what_failed_at_a_target_is_asked_for_with_its_own_evidence(entries: tuple[InboundDone, ...], everything: bool, lines: list[str]) -> None:
    one = replace(kept("healthy", ("pm2000", "pl1000")), inbound=entries)
    found = [ask for ask in asked(one, catalogue(), everything).asks if ask.kind == "forward"]
    assert [re.sub(r" on \d.*", " on", f"{ask.ports} {ask.target}: {ask.evidence}") for ask in found] == lines


def test_without_equipment_each_target_that_failed_has_its_own_evidence_and_what_works_is_not_asked_for() -> None:
    entry = looks(MISSING, WORKS, look("forward-refused", port=8023, inside=23, service="telnet"))
    found = asked(replace(alone("look"), inbound=(entry,)), catalogue()).asks
    assert [(ask.ports, ask.evidence.split(" (")[0]) for ask in found] == [("3389", "forward-missing"), ("8023", "forward-refused")]


def test_a_forward_that_was_tried_from_outside_is_asked_for_where_no_equipment_was_named() -> None:
    """What ``aetui confirm`` found is enough for a request: the equipment's address and port are known from it."""
    target = Target("203.0.113.7", 33890, 3389, "rdp")
    done = look()
    outside = replace(done.seen.outside[0], target=target)
    said = replace(done.diagnosis[0], explains=(target.id,))
    one = replace(alone("look"), inbound=(replace(done, seen=replace(done.seen, outside=(outside,)), diagnosis=(said,)),))
    (ask,) = asked(one, catalogue()).asks
    assert (ask.kind, ask.ports, ask.own_port) == ("forward", "33890", "3389")
    site = site_of(one, catalogue(), support=("198.51.100.0/24",))
    assert (site.logger, site.public) == ("192.168.50.60", "203.0.113.7")
    forms = {name: request(asked(one, catalogue()), site, name) for name in PRODUCTS}
    for name, marks in (
        ("nftables", ("tcp dport 33890 dnat to 192.168.50.60:3389", "ip daddr 192.168.50.60 tcp dport 3389")),
        ("iptables", ("--dport 33890", "--to-destination 192.168.50.60:3389", "-d 192.168.50.60 -p tcp -m tcp --dport 3389")),
        ("cisco-asa", ("service tcp 3389 33890", "object AETUI-LOGGER-1 eq 3389")),
        ("fortigate", ("set extip 203.0.113.7", "set extport 33890", "set mappedport 3389", 'set service "aetui-tcp-3389"')),
        ("palo-alto", ("ip-netmask 203.0.113.7/32", "service aetui-tcp-33890", "translated-port 3389")),
        ("windows", ("-LocalPort 3389",)),
        ("csv", ("192.168.50.60 port 3389",)),
        ("generic", ("FORWARD inbound tcp 33890 to 192.168.50.60, port 3389", "only from: 198.51.100.0/24")),
    ):
        for mark in marks:
            assert mark in forms[name], (name, mark)
            assert not any(line.lstrip().startswith(("#", "!")) for line in forms[name].splitlines() if mark in line and name != "generic")


def test_a_forward_takes_no_ipv6_address_for_the_equipments_or_the_sites_own() -> None:
    done = look()
    outside = replace(done.seen.outside[0], target=Target("2001:db8::1", 3389, 3389, "rdp"))
    inside = replace(done.seen.inside[0], target=Target("fe80::60", 3389, 3389, "rdp"))
    site = site_of(replace(alone("look"), inbound=(replace(done, seen=replace(done.seen, outside=(outside,), inside=(inside,))),)), catalogue())
    assert (site.logger, site.public) == (None, None)


def test_a_letter_for_a_forward_alone_speaks_of_nothing_else() -> None:
    one = alone("look")
    told = " ".join(letter(one, asked(one, catalogue()), site_of(one, catalogue()), load_causes()).split())
    assert "inbound TCP 3389 from the support team's addresses to 192.168.50.60, port 3389" in told
    assert "Summary of forward-missing." in told
    assert "never from everywhere" in told
    assert "host names" not in told
    assert "(the equipment)" not in told
    assert "\nNothing else needs to be opened, and nothing to the outside.\n" in letter(one, asked(one, catalogue()), site_of(one, catalogue()), load_causes())


def test_a_forward_that_works_by_now_is_not_asked_for() -> None:
    one = replace(alone("look"), inbound=(look(), look("service-confirmed", Severity.INFO)))
    assert asked(one, catalogue()).asks == ()


def test_what_no_firewall_can_mend_is_not_called_fine() -> None:
    one = kept("tls-expired", ("pm2000",))
    assert asked(one, catalogue()).asks == ()
    assert "no matter of a firewall's rules" in text("generic", one, everything=False)
    assert "Nothing is to be asked for: what could be tested gets through." in text("generic", kept("healthy", ("pm2000",)), everything=False)


def test_needs_that_another_of_their_group_stands_in_for_are_not_counted_as_untested() -> None:
    assert asked(kept("port-dropped", ("pm2000", "kiosk")), catalogue()).later == 0


def test_evidence_is_of_the_thing_that_is_asked_for() -> None:
    found = asked(kept("healthy", ("pm2000", "sma-ftp")), catalogue(), everything=True).asks
    assert {ask.evidence for ask in found if ask.kind == "ftp"} == {"not tested yet"}, "the control connection proves nothing of the data's"
    assert all("TLSv1" in ask.evidence for ask in found if ask.kind == "exempt")


def test_a_name_whose_owner_moves_it_about_is_said_where_addresses_must_do() -> None:
    found = text("nftables", kept("healthy", ("pm2000",)))
    assert found.count("moves it from address to address") == 2
    assert "time.nist.gov moves it" in found


def test_words_for_people_keep_their_apostrophes_and_rules_their_quotation_marks() -> None:
    one = kept("healthy", ("pm2000",))
    assert "The logger's first contact with the vendor's service." in text("generic", one)
    assert "The logger''s first contact" in text("windows", one)
    assert "The logger's first contact" in text("fortigate", one)


def test_the_source_is_the_network_that_was_tested_from() -> None:
    assert source(kept("healthy", ("pm2000",)).state) == "192.168.50.0/24"


# ------------------------------------------------------------------------------------------------------------------- every form
@pytest.mark.parametrize("name", NAMED)
def test_products_that_take_names_get_names(name: str) -> None:
    found = text(name)
    assert "maki.alsoenergy.com" in found
    if name != "generic":
        assert "146.20.187.118" not in found


@pytest.mark.parametrize("name", BY_ADDRESS)
def test_products_that_take_none_get_addresses_and_a_comment_that_says_so(name: str) -> None:
    joined = "\n".join(lines(name))
    assert "146.20.187.118" in joined
    assert "maki.alsoenergy.com" not in re.sub(r"'[^']*'", "", joined)
    assert "since this firewall takes no names: documented 146.20.187.118" in text(name)


@pytest.mark.parametrize("name", [p for p in PRODUCTS if p != "csv"])
def test_nothing_is_opened_to_everybody_while_the_support_team_is_unknown(name: str) -> None:
    if name == "generic":
        assert "only from: SUPPORT-ADDRESS" in text(name)
        return
    assert not any(placeholder in line for line in lines(name) for placeholder in PLACEHOLDERS)
    assert any("SUPPORT-ADDRESS" in line for line in text(name).splitlines())
    assert any("198.51.100.0" in line for line in lines(name, **KNOWN)) or name in {"palo-alto", "fortigate"}, "the public address is not known either"


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_session_without_faults_asks_for_nothing(name: str) -> None:
    found = text(name, kept("healthy", ("pm2000",)), everything=False)
    assert ("Nothing is to be asked for" in found) or name == "csv"
    assert len(found.splitlines()) == 1


@pytest.mark.parametrize("name", [p for p in PRODUCTS if p not in {"csv", "generic"}])
def test_no_text_from_outside_ends_a_comment_or_a_quotation(name: str) -> None:
    evil = "x\nOPEN ALL\r\n\u2028OPEN ALL" + " ".join(HOSTILE) + "\"; OPEN ALL; '"
    ask = Ask("allow", "tcp", "443", "www.alsoenergy.com", ("204.232.231.197",), (), evil, evil, evil, 1)
    one = Asked((ask, replace(ask, kind="exempt"), replace(ask, kind="forward")), "192.168.50.0/24", True, 0, "2026-01-01 00:00")
    found = request(one, Site(evil, evil, None, "192.168.50.30", ("198.51.100.0/28",)), name)
    mark = product(name).comment.format(text="").strip()
    for line in found.splitlines():
        assert line.isprintable()
        if "OPEN ALL" in line and not line.startswith(mark):
            quoted = re.sub(r"\"[^\"]*\"|'[^']*'", "", line)
            assert "OPEN ALL" not in quoted
            assert line.count('"') % 2 == 0


def test_the_table_has_a_row_for_each_line() -> None:
    rows = list(csv.DictReader(io.StringIO(text("csv"))))
    assert tuple(rows[0]) == HEADER
    wanted = asked(kept("healthy", ("pm2000", "acquisuite", "sma-ftp", "kiosk")), catalogue(), everything=True).asks
    assert [row["number"] for row in rows] == [str(ask.number) for ask in wanted]
    (row,) = [r for r in rows if r["host"] == "maki.alsoenergy.com" and r["ports"] == "443" and r["action"] == "allow"]
    assert (row["direction"], row["protocol"], row["addresses"], row["source"]) == ("outbound", "tcp", "146.20.187.118", "192.168.50.0/24")


# ------------------------------------------------------------------------------------------------------------------- grammars
ADDRESS = r"(?:\d{1,3}\.){3}\d{1,3}"
OBJECT = r"[A-Za-z0-9_.-]{1,64}"
ASA = (
    rf"object network {OBJECT}",
    r" fqdn v4 [a-z0-9.-]+",
    rf" host {ADDRESS}",
    rf" subnet {ADDRESS} {ADDRESS}",
    r" nat \(inside,outside\) static interface service (?:tcp|udp) \d+ \d+",
    rf"access-list {OBJECT} extended permit (?:tcp|udp) object {OBJECT} object {OBJECT} (?:eq \d+|range \d+ \d+)",
)
PAN = (
    rf"set address {OBJECT} (?:fqdn [a-z0-9.-]+|ip-netmask {ADDRESS}(?:/\d+)?)",
    rf"set service {OBJECT} protocol (?:tcp|udp) port \d+(?:-\d+)?",
    rf"set rulebase security rules {OBJECT} from any to any source {OBJECT} destination {OBJECT} application any service {OBJECT} action allow",
    rf'set rulebase security rules {OBJECT} description "[^"]{{0,255}}"',
    rf"set rulebase decryption rules {OBJECT} from any to any source {OBJECT} destination {OBJECT} service any action no-decrypt"
    r" type ssl-forward-proxy",
)
WINDOWS_ENUMS = {"Direction": {"Inbound", "Outbound"}, "Action": {"Allow"}, "Protocol": {"TCP", "UDP"}}
WINDOWS_TEXTS = {"DisplayName", "Group", "Description"}


def defined_before_use(found: list[str], define: str, use: str) -> None:
    known: set[str] = set()
    for line in found:
        for name in re.findall(use, line):
            assert name in known, f"{name} is used before it is defined"
        known |= set(re.findall(define, line))


def test_cisco_asa_lines_have_the_documented_form_and_use_what_they_define() -> None:
    found = lines("cisco-asa", **KNOWN)
    assert [line for line in found if not any(re.fullmatch(form, line) for form in ASA)] == []
    rules = [line for line in found if line.startswith("access-list")]
    objects = [line for line in found if line.startswith(("object", "access-list"))]
    defined_before_use(objects, r"^object network (\S+)", r" object (\S+)")
    assert "access-list AETUI-OUT extended permit udp object AETUI-SITE object AETUI-time.nist.gov eq 123" in rules
    assert any(rule.endswith("range 1024 65535") for rule in rules)


def test_palo_alto_lines_have_the_documented_form_and_use_what_they_define() -> None:
    found = lines("palo-alto", **KNOWN)
    assert [line for line in found if not any(re.fullmatch(form, line) for form in PAN)] == []
    defined_before_use(found, r"^set (?:address|service) (\S+)", r"(?:source|destination|(?<!^set )service) (aetui-\S+)")
    names = [line.split()[4] for line in found if "rulebase" in line]
    assert all(len(name) <= 31 for name in names)


DEFINITIONS = {
    "cisco-asa": r"^object network (\S+)\n ((?:subnet|host|fqdn) .*)$",
    "fortigate": r"^    edit (\"\S+\")\n        (set (?:subnet|type|tcp-portrange|udp-portrange|extintf) .*)$",
    "palo-alto": r"^set (?:address|service) (\S+) (.*)$",
}
"""How each product defines a name: defined once more, it means the second thing alone."""


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_network_of_the_support_team_is_let_in_under_a_name_of_its_own(name: str) -> None:
    found = "\n".join(lines(name, **KNOWN)) if name == "cisco-asa" else request(
        asked(alone("look"), catalogue()), site_of(alone("look"), catalogue(), support=KNOWN["support"]), name  # type: ignore[arg-type]
    )  # fmt: skip
    defined = re.findall(DEFINITIONS[name], found, re.MULTILINE)
    assert len(set(defined)) == len({known for known, _ in defined})
    mine = {known for known, value in defined if "198.51.100.0" in value or "203.0.113.7" in value} - {"aetui-public"}
    assert len(mine) == 2
    for known in mine:
        assert found.count(known) >= 2, f"{known} is defined and not used"
    policies = re.findall(r"set name (\S+)", found)
    assert len(policies) == len(set(policies))


def test_a_reader_is_told_all_networks_of_the_support_team_at_once() -> None:
    found = text("generic", **KNOWN)
    assert found.count("only from: 198.51.100.0/28, 203.0.113.7/32") == found.count("only from:") == 1


FORTI: dict[str, dict[str, str]] = {
    "firewall address": {"type": "fqdn", "fqdn": r'"[a-z0-9.-]+"', "subnet": rf"{ADDRESS} {ADDRESS}"},
    "firewall service custom": {"tcp-portrange": r"\d+(-\d+)?", "udp-portrange": r"\d+(-\d+)?"},
    "firewall policy": {
        "name": r'"[^"]{1,35}"', "srcintf": '"any"', "dstintf": '"any"', "srcaddr": r'"\S+"', "dstaddr": r'"\S+"', "action": "accept",
        "schedule": '"always"', "service": r'"\S+"', "nat": "enable", "comments": r'"[^"]{0,1023}"',
    },
    "firewall vip": {
        "extintf": '"any"', "extip": ADDRESS, "mappedip": f'"{ADDRESS}"', "portforward": "enable", "protocol": "tcp|udp", "extport": r"\d+",
        "mappedport": r"\d+",
    },
}  # fmt: skip


def test_fortigate_blocks_are_closed_and_set_what_the_reference_has() -> None:
    table, entry = None, None
    known: set[str] = set()
    for line in lines("fortigate", **KNOWN):
        words = line.strip().split(" ", 2)
        match words:
            case ["config", *rest]:
                assert table is None
                table = " ".join(rest)
                assert table in FORTI
            case ["edit", name]:
                assert table is not None
                assert entry is None
                entry = name
                assert re.fullmatch(r'0|"[A-Za-z0-9_./-]{1,63}"', name)
                known.add(name)
            case ["set", key, value]:
                assert table is not None
                assert entry is not None
                assert re.fullmatch(FORTI[table][key], value), line
                if key in {"srcaddr", "dstaddr", "service"}:
                    assert value in known, f"{value} is used before it is defined"
            case ["next"]:
                assert entry is not None
                entry = None
            case ["end"]:
                assert entry is None
                table = None
            case _:
                raise AssertionError(line)
    assert table is None


def test_fortigate_exemptions_wait_for_the_name_of_the_profile() -> None:
    found = text("fortigate")
    assert '#     edit "YOUR-PROFILE"' in found
    assert '#                 set address "aetui-www.alsoenergy.com"' in found


def test_windows_lines_are_calls_with_the_documented_parameters() -> None:
    for line in lines("windows", **KNOWN):
        call, *rest = shlex.split(line)
        assert call == "New-NetFirewallRule"
        parameters = dict(zip(rest[::2], rest[1::2], strict=True))
        for name, value in parameters.items():
            key = name.removeprefix("-")
            if key in WINDOWS_ENUMS:
                assert value in WINDOWS_ENUMS[key]
            elif key == "RemoteAddress":
                ip_network(value)
            elif key in {"RemotePort", "LocalPort"}:
                assert re.fullmatch(r"\d+(-\d+)?", value)
            else:
                assert key in WINDOWS_TEXTS
        assert {"-DisplayName", "-Direction", "-Action", "-Protocol", "-RemoteAddress"} <= set(parameters)


NFT = (
    rf"insert rule inet filter (?:forward|input) ip saddr {ADDRESS}/\d+ ip daddr {ADDRESS}(?:/\d+)? (?:tcp|udp) dport \d+(?:-\d+)?"
    r' ct state new accept comment "aetui \d+"',
    r"add table ip aetui",
    r"add chain ip aetui inward { type nat hook prerouting priority dstnat; }",
    rf"add rule ip aetui inward ip saddr {ADDRESS}/\d+ fib daddr type local tcp dport \d+ dnat to {ADDRESS}:\d+",
)


def test_nftables_lines_have_their_form_and_nft_itself_takes_them() -> None:
    found = lines("nftables", **KNOWN)
    assert [line for line in found if not any(re.fullmatch(form, line) for form in NFT)] == []
    nft = shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin")
    if nft is None or subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no nft, or no namespaces here; the lab loads these rules")
    chains = "table inet filter { chain forward { type filter hook forward priority 0; }; chain input { type filter hook input priority 0; }; }\n"
    whole = chains + text("nftables", **KNOWN)
    done = subprocess.run(["unshare", "-rn", nft, "-c", "-f", "-"], input=whole, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_iptables_lines_are_commands_that_a_shell_reads_as_they_stand() -> None:
    found = lines("iptables", **KNOWN)
    for line in found:
        words = shlex.split(line)
        assert words[0] == "iptables"
        assert words[-2] in {"-j", "--to-destination"}
        given = dict(pairwise(words))
        ip_network(given["-s"])
        assert given["-p"] in {"tcp", "udp"}
        assert re.fullmatch(r"\d+(:\d+)?", given["--dport"])
        assert ip_address(given["-d"].split("/")[0]) if "-d" in given else given["-t"] == "nat"
    assert text("iptables").startswith("#!/bin/sh\n")


# ------------------------------------------------------------------------------------------------------------------- the letter
def test_the_letter_asks_courteously_for_every_line_and_fits_a_mail() -> None:
    one = replace(kept("healthy", ("pm2000", "sma-ftp")), about=about("North Field"))
    wanted = asked(one, catalogue(), everything=True)
    found = letter(one, wanted, site_of(one, catalogue()), load_causes(), everything=True)
    assert found.startswith("Request: allow the solar monitoring equipment (PM2000, SMA FTP push)")
    assert "Dear network team," in found
    assert "Thank you" in found
    flat = " ".join(found.split())
    for ask in wanted.asks:
        assert ask.kind == "forward" or ask.target in flat
    for words in (
        "UDP 123 to time.nist.gov",
        "TCP 1024-65535 to smaftpdm.alsoenergy.com",
        "no TLS inspection (TCP 443) for",
        "never from everywhere",
    ):
        assert words in flat
    assert max(map(len, found.splitlines()[1:])) <= 76
    assert found.isprintable() or all(c == "\n" or c.isprintable() for c in found)


def test_the_letter_of_a_fault_tells_what_was_found() -> None:
    one = kept("port-dropped", ("pm2000",))
    found = letter(one, asked(one, catalogue()), site_of(one, catalogue()), load_causes())
    assert "What the test found:" in found
    assert "TCP 443 to streamer.alsoenergy.com (74.205.11.149)" in found
    assert "inspection" not in found


def test_a_session_that_knows_no_network_says_that_the_source_is_to_be_filled_in() -> None:
    state = replace(kept("healthy", ("pm2000",)).state, results={}, vantage=VantageInfo("jump", "noc"))
    one = replace(kept("healthy", ("pm2000",)), state=state)
    assert "put the equipment's address or network here" in text("generic", one)
