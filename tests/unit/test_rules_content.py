"""The causes of content: what proves each, and what is near it and must not trigger it."""

from __future__ import annotations

import pytest
from worlds import (
    CANARIES,
    LOGIN_PAGE,
    MAKIRT,
    NIST,
    SILENCE,
    STREAMER,
    WINDOWS,
    WWW,
    Case,
    Want,
    World,
    banner,
    beyond,
    chain,
    cut,
    ftp,
    holds,
    host_rows,
    http,
    icmp,
    instead_of_silence,
    link,
    name,
    no_time,
    ntp,
    other_name,
    required,
    tcp,
    through_proxy,
    tls,
    way,
)  # fmt: skip

from aetui.observations import Ended, FtpSeen, HttpSeen, NtpSeen, Outcome, TcpSeen, TlsSeen

EVERYTHING = frozenset(required())
NAMES = frozenset(required(("pm2000",), "dns"))
TLS, HTTP = frozenset(required(("pm2000",), "tls")), frozenset(required(("pm2000",), "http"))
PLAIN_HTTP, SECURE_HTTP = (frozenset(i for i in HTTP if i.endswith(p)) for p in (":80", ":443"))
TIME = frozenset({f"ntp:{NIST}:123", f"ntp:{WINDOWS}:123"})
NO_TIME = Want("ntp-no-reply", TIME)
SMA = ("smaftpdm.alsoenergy.com", "ptsmaftp.alsoenergy.com")
FTP = {f"ftp:{host}:21" for host in SMA}
RA = "ra.buildingmanageronline.com"
SHORT = b"<html><title>Moved</title></html>"
PORTAL = http(302, SHORT, to="http://login.hotel.example/start")
ELSEWHERE = http(301, SHORT, to="https://www.stem.com/")


def portal(*rows: str | frozenset[str], confidence: str = "likely") -> Want:
    return Want("captive-portal", set().union(*({r} if isinstance(r, str) else r for r in rows)), confidence=confidence)


CAPTIVE = [
    Case("every host leads its visitors to one other place", World([("http:*:80", PORTAL), ("tcp:*:443", SILENCE), ("ntp:*", no_time())]),
         (portal(EVERYTHING - NAMES - {i for i in EVERYTHING if i.startswith("tcp:") and i.endswith(":80")}),)),
    Case("status 511 says it alone", World([(f"http:{WWW}:80", http(511))]), (portal(f"http:{WWW}:80", confidence="certain"),)),
    Case("a public host that leads into the private network says it alone", World([(f"http:{WWW}:80", http(302, SHORT, to="http://192.168.50.2/login"))]),
         (portal(f"http:{WWW}:80", confidence="certain"),)),
    Case("one login page for all hosts, on both ports, under a strange certificate",
         World([("http:*", http(200, LOGIN_PAGE)), ("tls:*", tls(False, 18, "CN=login.hotspot", own=True, matches=False)), ("ntp:*", no_time())]),
         (portal(PLAIN_HTTP, TLS, SECURE_HTTP, TIME),)),
    Case("one redirect of an owner to another domain of theirs, vouched for by TLS, is theirs",
         World([(f"http:{h}:*", ELSEWHERE) for h in (WWW, STREAMER, MAKIRT)])),
    Case("one host alone that leads away proves nothing", World([(f"http:{WWW}:80", ELSEWHERE)])),
    Case("a redirect to the same host over TLS is good manners",
         World([(f"http:{h}:80", http(301, SHORT, to=f"https://{h}/")) for h in (WWW, STREAMER, MAKIRT)])),
    Case("redirects within the owner's domain are the owner's",
         World([(f"http:{h}:80", http(302, SHORT, to="https://login.alsoenergy.com/")) for h in (WWW, STREAMER, MAKIRT)])),
    Case("one default page on several healthy hosts is theirs", World([("http:*", http(200, b"<html><title>IIS Windows Server</title>" + b"x" * 600))])),
    Case("one login page of a vendor's own, the same over TLS, is the vendor's", World([("http:*", http(200, LOGIN_PAGE))])),
    Case("login pages that differ at every visit, vouched for by TLS, are the vendor's",
         World([("http:*:80", http(200, LOGIN_PAGE)), ("http:*:443", http(200, LOGIN_PAGE.replace(b"room", b"csrf")))])),
    Case("the vendor's own way to a login elsewhere, vouched for by TLS, is the vendor's",
         World([(f"http:{h}:{p}", http(302, SHORT * 9 + p.encode(), to="https://login.stem.example/")) for h in (WWW, STREAMER) for p in ("80", "443")])),
    Case("a host of its own with a login form is a host with a login form", World([(f"http:{WWW}:*", http(200, LOGIN_PAGE))])),
    Case("a 404 with a login form is no portal", World([("http:*:80", http(404, LOGIN_PAGE))])),
    Case("the portal's made-up names are the portal's",
         World([("canary:*", name("192.52.193.80")), ("dns:*", name("192.52.193.80")), ("http:*:80", PORTAL), ("tcp:*:443", SILENCE), ("ntp:*", no_time())]),
         (portal(EVERYTHING - {i for i in EVERYTHING if i.startswith("tcp:") and i.endswith(":80")}, frozenset(CANARIES)),)),
]  # fmt: skip
FORTI = http(403, b"<html><title>Web Page Blocked</title><h1>FortiGuard Web Filtering</h1></html>")
BLOCKED = [
    Case("a product's own page names the product", World([(f"http:{STREAMER}:80", FORTI)]), (Want("http-blocked", {f"http:{STREAMER}:80"}),)),
    Case("words of a block page without a product are likely",
         World([(f"http:{STREAMER}:80", http(403, b"<h1>Access denied</h1>This page has been blocked by your administrator"))]),
         (Want("http-blocked", {f"http:{STREAMER}:80"}, confidence="likely"),)),
    Case("a block page with status 200 is one too", World([(f"http:{STREAMER}:80", http(200, b"Access to this site is blocked by policy. Zscaler"))]),
         (Want("http-blocked", {f"http:{STREAMER}:80"}),)),
    Case("a reset as soon as the page is asked for is possibly one", World([(f"http:{STREAMER}:80", lambda c, a: HttpSeen("u", Ended.RESET))]),
         (Want("http-blocked", {f"http:{STREAMER}:80"}, confidence="possible"),)),
    Case("the true server's 403 is an answer", World([("http:*", http(403, b"<html><title>403 - Forbidden: Access is denied.</title></html>"))])),
    Case("the true server's 404 is an answer", World([("http:*", http(404))])),
    Case("the true server's 401 is an answer", World([("http:*", http(401))])),
    Case("a page that praises a product is no block page", World([(f"http:{WWW}:*", http(200, b"<p>Our partners: Barracuda, Sophos, Fortinet</p>"))])),
    Case("the vendor's own page, vouched for by TLS, may use such words",
         World([(f"http:{WWW}:443", http(200, b"Your account is blocked? Call support."))])),
    Case("a server behind a public filter service is itself", World([("http:*", http(200, headers={"server": "cloudflare"}))])),
    Case("a block page over a strange certificate is one finding",
         World([(f"http:{STREAMER}:*", FORTI), (f"tls:{STREAMER}:443", tls(False, 19, "CN=Site CA"))]),
         (Want("http-blocked", {f"http:{STREAMER}:80", f"http:{STREAMER}:443", f"tls:{STREAMER}:443"}),)),
]  # fmt: skip
ERRORS = [
    Case("the true server's 503", World([(f"http:{STREAMER}:*", http(503, b"Service Unavailable"))]),
         (Want("http-error", {f"http:{STREAMER}:80", f"http:{STREAMER}:443"}),)),
    *(Case(f"status {code}", World([(f"http:{STREAMER}:443", http(code))]), (Want("http-error", {f"http:{STREAMER}:443"}),)) for code in (500, 502, 504)),
    Case("a 503 with a filter's name is the filter's", World([(f"http:{STREAMER}:80", http(503, b"Web filter violation. FortiGuard"))]),
         (Want("http-blocked", {f"http:{STREAMER}:80"}),)),
    Case("two hosts with errors are two", World([(f"http:{h}:443", http(500)) for h in (WWW, STREAMER)]),
         (Want("http-error", {f"http:{WWW}:443"}), Want("http-error", {f"http:{STREAMER}:443"}))),
]  # fmt: skip
PROXIED = link(proxies=(("https_proxy", "http://proxy.site.example:3128"),))
WEB_OUT = frozenset(i for i in EVERYTHING if i.endswith((":80", ":443")))
PROXY = [
    Case("status 407", World([(f"http:{WWW}:80", http(407))]), (Want("proxy-required", {f"http:{WWW}:80"}),)),
    Case("no direct way, and the configured proxy lets through",
         World([("tcp:*", SILENCE), ("beyond", beyond()), ("link", PROXIED)], added=[through_proxy(WWW, 200)]), (Want("proxy-required", WEB_OUT),)),
    Case("no direct way, and the configured proxy asks for a login",
         World([("tcp:*", SILENCE), ("ntp:*", no_time()), ("beyond", beyond()), ("link", PROXIED)], added=[through_proxy(WWW, 407)]),
         (Want("proxy-required", WEB_OUT | TIME),)),
    Case("no direct way, and the proxy does not answer either",
         World([("tcp:*", SILENCE), ("ntp:*", no_time()), ("beyond", beyond()), ("link", PROXIED)], added=[through_proxy(WWW, None)]),
         (Want("no-internet", {"beyond", *WEB_OUT, *TIME}),)),
    Case("a proxy that refuses the host is no way out", World([("tcp:*", SILENCE), ("beyond", beyond()), ("link", PROXIED)], added=[through_proxy(WWW, 403)]),
         (Want("filtered", WEB_OUT),)),
    Case("a proxy that is set while all works is nothing", World([("link", PROXIED)])),
    Case("a proxy that is set while one port is dropped explains nothing",
         World([(f"tcp:{STREAMER}:443", SILENCE), ("link", PROXIED)], added=[through_proxy(WWW, 200)]), (Want("filtered", chain(STREAMER)),)),
]  # fmt: skip
LIVES = other_name(STREAMER, tls(False, 20, "CN=Public CA 2,O=Public Trust", matches=False))
DIES = other_name(STREAMER, cut())
PRODUCT = "CN=Zscaler Intermediate Root CA,O=Zscaler Inc."
HELLO = {f"tls:{STREAMER}:443", f"http:{STREAMER}:443"}
SECURE = [
    Case("a reset after the hello that another name survives is by the name", World([(f"tls:{STREAMER}:443", cut())], added=LIVES),
         (Want("tls-blocked", HELLO),)),
    Case("silence after the hello, too", World([(f"tls:{STREAMER}:443", cut(Ended.SILENT))], added=LIVES), (Want("tls-blocked", HELLO),)),
    Case("where the other name dies too it is likely only", World([(f"tls:{STREAMER}:443", cut())], added=DIES),
         (Want("tls-blocked", HELLO, confidence="likely"),)),
    Case("two names cut alike are one finding", World([(f"tls:{h}:443", cut()) for h in (WWW, STREAMER)]),
         (Want("tls-blocked", HELLO | {f"tls:{WWW}:443", f"http:{WWW}:443"}, confidence="likely"),)),
    Case("a filter that cuts the plain request too is one finding",
         World([(f"tls:{STREAMER}:443", cut()), (f"http:{STREAMER}:80", lambda c, a: HttpSeen("u", Ended.RESET))], added=LIVES),
         (Want("tls-blocked", HELLO | {f"http:{STREAMER}:80"}),)),
    Case("what speaks another protocol on 443 is another service", World([(f"tls:{STREAMER}:443", lambda c, a: TlsSeen(c.host or "", Ended.GARBLED, "server-hello", received=20, first_bytes=b"SSH-2.0-x\r\n"))]),
         (Want("wrong-service", HELLO),)),
    Case("an inspection product's issuer, on one host even", World([(f"tls:{STREAMER}:443", tls(False, 20, PRODUCT))]),
         (Want("tls-intercepted", HELLO),)),
    Case("an issuer that only this machine's store trusts", World([(f"tls:{STREAMER}:443", tls(False, 19, "CN=Site Root", here=True))]),
         (Want("tls-intercepted", HELLO),)),
    Case("one unknown issuer on unrelated hosts", World([("tls:*", tls(False, 20, "CN=Site Root"))]),
         (Want("tls-intercepted", TLS | SECURE_HTTP, confidence="likely"),)),
    Case("a product's own certificate that has run out is still the product's", World([(f"tls:{STREAMER}:443", tls(False, 10, PRODUCT, days=(-90, -1)))]),
         (Want("tls-intercepted", HELLO),)),
    Case("one self-signed host is untrusted", World([(f"tls:{STREAMER}:443", tls(False, 18, f"CN={STREAMER}", own=True))]),
         (Want("tls-untrusted", {f"tls:{STREAMER}:443"}),)),
    Case("several hosts, each with its own self-made certificate, are untrusted one by one",
         World([(f"tls:{h}:443", tls(False, 18, f"CN={h}", own=True)) for h in (WWW, STREAMER)]),
         (Want("tls-untrusted", {f"tls:{WWW}:443"}), Want("tls-untrusted", {f"tls:{STREAMER}:443"}))),
    Case("two names of one server with one unknown issuer are no interception",
         World([(f"tls:{label}.alsoenergy.com:443", tls(False, 20, "CN=Vendor CA")) for label in ("maki", "moxa")]),
         (Want("tls-untrusted", {"tls:maki.alsoenergy.com:443"}), Want("tls-untrusted", {"tls:moxa.alsoenergy.com:443"}))),
    Case("a server that forgot its intermediate certificate is untrusted", World([(f"tls:{STREAMER}:443", tls(False, 20))]),
         (Want("tls-untrusted", {f"tls:{STREAMER}:443"}),)),
    Case("a store of this machine that trusts what a logger trusts too is nothing", World([("tls:*", tls(here=True))])),
    Case("a store of this machine that lacks a public root is nothing", World([("tls:*", tls(here=False))])),
    Case("a certificate that has run out", World([(f"tls:{STREAMER}:443", tls(False, 10, when_valid=True, days=(-90, -9)))]),
         (Want("tls-expired", {f"tls:{STREAMER}:443"}, owner="vendor"),)),
    Case("a certificate that has run out, of an issuer that nobody knows", World([(f"tls:{STREAMER}:443", tls(False, 10, "CN=X", when_valid=False, days=(-90, -9)))]),
         (Want("tls-untrusted", {f"tls:{STREAMER}:443"}),)),
    Case("a certificate for another name", World([(f"tls:{STREAMER}:443", tls(matches=False, names=("other.example",)))]),
         (Want("tls-name-mismatch", {f"tls:{STREAMER}:443"}),)),
]  # fmt: skip
TIMES = [
    Case("UDP 123 sent and nothing came back", World([("ntp:*", no_time())]), (NO_TIME,)),
    Case("one time server alone", World([(f"ntp:{NIST}:123", no_time())]), (Want("ntp-no-reply", {f"ntp:{NIST}:123"}),)),
    Case("an ICMP error is no silence", World([(f"ntp:{NIST}:123", lambda c, a: NtpSeen(a, Outcome.REJECTED, icmp=icmp(3, 13)))]),
         (Want("rejected", {f"ntp:{NIST}:123"}),)),
    Case("kiss-of-death", World([("ntp:*", ntp(kiss="RATE", stratum=0))]), (Want("ntp-bad-answer", TIME),)),
    Case("stratum 16", World([("ntp:*", ntp(stratum=16, leap=3))]), (Want("ntp-bad-answer", TIME),)),
    Case("stratum 0 without a code", World([("ntp:*", ntp(stratum=0))]), (Want("ntp-bad-answer", TIME),)),
    Case("an answer not to our question", World([("ntp:*", ntp(origin_echoed=False))]), (Want("ntp-bad-answer", TIME),)),
    Case("two kinds of bad answer are two findings", World([(f"ntp:{NIST}:123", ntp(kiss="DENY", stratum=0)), (f"ntp:{WINDOWS}:123", ntp(stratum=16))]),
         (Want("ntp-bad-answer", {f"ntp:{WINDOWS}:123"}), Want("ntp-bad-answer", {f"ntp:{NIST}:123"}))),
    Case("a leap second announced is a good answer", World([("ntp:*", ntp(leap=1))])),
    Case("stratum 15 is a good answer", World([("ntp:*", ntp(stratum=15))])),
    Case("a server that was not asked again so soon says nothing", World([(f"ntp:{NIST}:123", lambda c, a: NtpSeen(a, Outcome.FAILED, errno="EAGAIN"))]), (),
         unknown={f"ntp:{NIST}:123"}),
]  # fmt: skip
LOST = tuple(way(mode, Ended.SILENT) for mode in ("pasv", "epsv", "port"))


def files(*transfers: object, **more: object) -> World:
    return World([("ftp:*", ftp(*transfers))], equipment=("sma-ftp",), **more)  # type: ignore[arg-type]


BLOCKED_FILES = Want("ftp-data-blocked", FTP)
WARNED = Want("ftp-data-blocked", FTP, "warn")
FILES = [
    Case("every way is silent", files(*LOST), (BLOCKED_FILES,)),
    Case("both passive ways refused, active silent", files(way("pasv", Ended.RESET), way("epsv", Ended.RESET), LOST[2]), (BLOCKED_FILES,)),
    Case("passive silent and EPSV not offered", files(LOST[0], way("epsv", Ended.DECLINED, port=None), LOST[2]), (BLOCKED_FILES,)),
    Case("EPSV not offered, the others work", files(way("pasv"), way("epsv", Ended.DECLINED, port=None), way("port"))),
    Case("active alone blocked is how NAT is", files(way("pasv"), way("epsv"), LOST[2])),
    Case("active alone works: a warning, for nothing behind NAT can count on it", files(LOST[0], LOST[1], way("port")), (WARNED,)),
    Case("PASV dead and EPSV alive is a warning", files(LOST[0], way("epsv"), way("port")), (WARNED,)),
    Case("a private address in the 227 that only works when corrected is a warning",
         files(way("pasv", address="10.0.0.5", corrected=TcpSeen("146.20.122.22", 50000, Outcome.OPEN)), way("epsv"), way("port")), (WARNED,)),
    Case("without a login nothing is said of transfers", World(equipment=("sma-ftp",))),
    Case("a login that was refused says nothing of transfers", World([("ftp:*", ftp(login="530 Login incorrect."))], equipment=("sma-ftp",))),
    Case("a server that lists nothing has a data connection all the same",
         files(*(way(m, Ended.DECLINED, connect=TcpSeen("146.20.122.22", 50000, Outcome.OPEN), listing="550 Permission denied.") for m in ("pasv", "epsv")))),
    Case("a server that says it could not open the data connection has none",
         files(*(way(m, Ended.DECLINED, connect=TcpSeen("146.20.122.22", 50000, Outcome.OPEN), listing="425 Cannot open data connection.") for m in ("pasv", "epsv"))),
         (BLOCKED_FILES,)),
    Case("what the run's end cut short is not blocked", files(LOST[0], cut=True), (), unknown=FTP),
    Case("what was silent before the run's end is", files(*LOST, cut=True), (BLOCKED_FILES,)),
    Case("a visit that the run's end cut before the login is unknown", World([("ftp:*", ftp(ended=Ended.SILENT))], equipment=("sma-ftp",), cut=True), (), unknown=FTP),
]  # fmt: skip
SSH = {f"ssh:{RA}:2022"}


def support(seen: object, **more: object) -> World:
    return World([(f"ssh:{RA}:2022", seen)], equipment=("acquisuite",), **more)  # type: ignore[arg-type, list-item]


SERVICES = [
    Case("HTTP where SSH should be", support(banner("HTTP/1.1 400 Bad Request")), (Want("wrong-service", SSH, "warn"),)),
    Case("any SSH is SSH", support(banner("SSH-1.99-Cisco-1.25"))),
    Case("a port that opens and says nothing", support(banner(None, Ended.SILENT)), (Want("filtered", SSH, "warn", "likely"),)),
    Case("a port that says nothing and answers a web request",
         support(banner(None, Ended.SILENT), added=instead_of_silence(RA, 2022, http(400))), (Want("wrong-service", SSH, "warn"),)),
    Case("a port that says nothing, to a web request neither",
         support(banner(None, Ended.SILENT), added=instead_of_silence(RA, 2022, lambda c, a: HttpSeen("u", Ended.SILENT))),
         (Want("filtered", SSH, "warn", "likely"),)),
    Case("a port that hangs up at once is no SSH server", support(banner(None, Ended.CLOSED)), (Want("wrong-service", SSH, "warn"),)),
    Case("FTP that greets with 220", World(equipment=("sma-ftp",))),
    Case("an FTP server that is too busy is one, and tells nothing of transfers",
         World([("ftp:*", ftp(banner="421 Too many users", ended=Ended.DECLINED))], equipment=("sma-ftp",)), (), unknown=FTP),
    Case("a port that greets with 554 is no FTP server", World([("ftp:*", ftp(banner="554 no SMTP service here"))], equipment=("sma-ftp",)),
         (Want("wrong-service", FTP),)),
    Case("SSH where FTP should be", World([("ftp:*", lambda c, a: FtpSeen(Ended.GARBLED, first_bytes=b"SSH-2.0-x\r\n"))], equipment=("sma-ftp",)),
         (Want("wrong-service", FTP),)),
    Case("a server that opens every port and never says a word",
         World([(f"tls:{STREAMER}:443", cut(Ended.SILENT)), (f"http:{STREAMER}:80", lambda c, a: HttpSeen("u", Ended.SILENT))]),
         (Want("filtered", HELLO | {f"http:{STREAMER}:80"}, confidence="likely"),)),
    Case("a server that opens every port and hangs up",
         World([(f"tls:{STREAMER}:443", cut(Ended.CLOSED)), (f"http:{STREAMER}:80", lambda c, a: HttpSeen("u", Ended.CLOSED))]),
         (Want("wrong-service", HELLO | {f"http:{STREAMER}:80"}, confidence="likely"),)),
]  # fmt: skip
TOGETHER = [
    Case("interception and no network time", World([("tls:*", tls(False, 20, PRODUCT)), ("ntp:*", no_time())]),
         (Want("tls-intercepted", TLS | SECURE_HTTP), NO_TIME)),
    Case("interception and a dropped port", World([("tls:*", tls(False, 20, PRODUCT)), (f"tcp:{STREAMER}:80", SILENCE)]),
         (Want("filtered", chain(STREAMER, 80)), Want("tls-intercepted", TLS | SECURE_HTTP))),
    Case("an expired certificate and one of another name",
         World([(f"tls:{WWW}:443", tls(False, 10, when_valid=True, days=(-90, -9))), (f"tls:{STREAMER}:443", tls(matches=False))]),
         (Want("tls-expired", {f"tls:{WWW}:443"}), Want("tls-name-mismatch", {f"tls:{STREAMER}:443"}))),
    Case("a block page and a rejected port", World([(f"http:{STREAMER}:80", FORTI), (f"tcp:{WWW}:443", tcp(Outcome.REFUSED))]),
         (Want("refused", chain(WWW), confidence="likely"), Want("http-blocked", {f"http:{STREAMER}:80"}))),
    Case("a name filtered by DNS and another by its handshake",
         World([(f"dns:{MAKIRT}", name("0.0.0.0")), (f"tls:{STREAMER}:443", cut())], added=LIVES),
         (Want("dns-filtered", host_rows(MAKIRT)), Want("tls-blocked", HELLO))),
    Case("blocked transfers and a dead time server",
         World([("ftp:*", ftp(*LOST)), (f"ntp:{NIST}:123", no_time())], equipment=("pm2000", "sma-ftp")),
         (Want("ntp-no-reply", {f"ntp:{NIST}:123"}), BLOCKED_FILES)),
    Case("a proxy's login and a dead resolver beside", World([(f"http:{WWW}:80", http(407)), (f"tcp:{STREAMER}:443", SILENCE)]),
         (Want("proxy-required", {f"http:{WWW}:80"}), Want("filtered", chain(STREAMER)))),
]  # fmt: skip


@pytest.mark.parametrize("case", [*CAPTIVE, *BLOCKED, *ERRORS, *PROXY, *SECURE, *TIMES, *FILES, *SERVICES, *TOGETHER], ids=str)
def test_causes_of_content(case: Case) -> None:
    holds(case)
