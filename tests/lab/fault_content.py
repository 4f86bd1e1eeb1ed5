"""Faults of what is said: portals, block pages, proxies, wrong services, network time, FTP's second connection."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

from . import daemons, pki, servers
from .breaking import FROM_SITE, dropped, filtered, redirected, rejected, resolver_says, running, scratch, sent_to_port, together
from .fault import MAKI, NAMES_WORK, STREAMER, TLS_OK, WWW, WWW_IS_THERE, Begin, Fault, Symptoms
from .fault_tls import ISSUERS, LAN_TLS
from .fault_transport import drop
from .network import Lab
from .topology import FTP_DATA_PORTS, FTP_SERVER, GATEWAY, HOSTS, REMOTE_ACCESS, TIME_HOSTS

LAN_WEB = f"{FROM_SITE} tcp dport 80"
DATA = f"{FTP_DATA_PORTS[0]}-{FTP_DATA_PORTS[1]}"
PROXY_PORT = 3128
FTP_HOST = "smaftpdm.alsoenergy.com"
CONTROL_WORKS: Symptoms = {f"tcp {FTP_SERVER}:21": "open"}

# -- portals, pages, proxies

LOGIN = "http://192.168.50.1/login?from={host}"
PORTAL_PAGE = "<!doctype html><title>Guest network login</title><form action=/login><p>Please accept the terms of use to go online.</form>"
PORTAL_ANSWERS: dict[str, servers.Page] = {
    "redirects": servers.Page("302 Found", "<title>Redirect</title>", {"Location": LOGIN}),
    "answers-200": servers.Page("200 OK", PORTAL_PAGE),
    "answers-511": servers.Page("511 Network Authentication Required", PORTAL_PAGE),
}
BLOCKED = servers.Page(
    "403 Forbidden",
    "<title>Web Page Blocked!</title><p>FortiGuard Intrusion Prevention - Access Blocked. {host} is in the category Unrated.",
    {"Server": "FortiGate"},
)


def portal(answer: str, tls: str) -> Begin:
    """A guest network before its login: port 80 answers for everybody, 443 as ``tls`` says (drop, reset, certificate), the rest is dropped."""

    def begin(lab: Lab) -> AbstractContextManager[object]:
        page = PORTAL_ANSWERS[answer]
        own = pki.self_signed(["login.guest.example"], "CN=login.guest.example")
        parts: list[AbstractContextManager[object]] = [
            redirected(lab, "router", LAN_WEB, "portal", lambda port: servers.web(port, page)),
            _rest_of_portal(lab, tls),
        ]
        if tls == "certificate":
            parts.append(
                redirected(
                    lab, "router", LAN_TLS, "portal-tls", lambda port: servers.secure_web(port, scratch(lab, "portal"), lambda _: own, page)
                )
            )
        return together(*parts)

    return begin


def _rest_of_portal(lab: Lab, tls: str) -> AbstractContextManager[object]:
    """What a portal does with everything that is not web."""
    statements = [f"{FROM_SITE} tcp dport 443 reject with tcp reset"] if tls == "reset" else []
    return filtered(lab, "router", *statements, f"{FROM_SITE} drop")


def _portal_fault(answer: str, tls: str, web_shows: str) -> Fault:
    tls_shows = {"drop": "silent", "reset": "reset", "certificate": "untrusted from login.guest.example: self-signed certificate"}[tls]
    return Fault(
        f"portal-{answer}-tls-{tls}",
        f"A guest network's login page {answer.replace('-', ' ')} on port 80; port 443: {tls}.",
        portal(answer, tls),
        {
            "http maki.alsoenergy.com": web_shows.format(host="maki.alsoenergy.com"),
            "tls maki.alsoenergy.com": tls_shows,
            "ntp time.nist.gov": "silent",
        },
        NAMES_WORK,
    )


def _portal_by_names(lab: Lab) -> AbstractContextManager[object]:
    return together(
        dropped(lab, FROM_SITE),
        resolver_says(lab, f"address=/#/{GATEWAY}"),
        redirected(lab, "router", f"{LAN_WEB} ip daddr {GATEWAY}", "portal", lambda port: servers.web(port, PORTAL_ANSWERS["answers-200"])),
    )


def _answers_503(lab: Lab) -> AbstractContextManager[object]:
    trouble = servers.Page("503 Service Unavailable", "<title>Service Unavailable</title>", {"Server": "nginx", "Retry-After": "120"})

    def secure(port: int) -> servers.Server:
        return servers.secure_web(port, scratch(lab, "trouble"), lambda name: lab.authority.issuing.leaf([name]), trouble)

    return together(
        redirected(lab, "cloud", f"ip daddr {STREAMER} tcp dport 80", "trouble", lambda port: servers.web(port, trouble)),
        redirected(lab, "cloud", f"ip daddr {STREAMER} tcp dport 443", "trouble-tls", secure),
    )


def _blocked(lab: Lab) -> AbstractContextManager[object]:
    return redirected(lab, "router", f"{LAN_WEB} ip daddr {STREAMER}", "blocked", lambda port: servers.web(port, BLOCKED))


def _blocked_tls(lab: Lab) -> AbstractContextManager[object]:
    """The block page comes under TLS too, signed by the firewall."""
    authority = pki.Authority(ISSUERS["fortinet"])

    def make(port: int) -> servers.Server:
        return servers.secure_web(port, scratch(lab, "blocked"), lambda name: authority.leaf([name]), BLOCKED)

    return together(_blocked(lab), redirected(lab, "router", f"{LAN_TLS} ip daddr {STREAMER}", "blocked-tls", make))


def _proxy_env(_: Lab) -> Mapping[str, str]:
    address = f"http://{GATEWAY}:{PROXY_PORT}"
    return {key: address for name in ("http_proxy", "https_proxy") for key in (name, name.upper())}


def _proxy_required(login: bool) -> Begin:
    """Nothing passes directly; a proxy at the router does, and the environment names it."""

    def begin(lab: Lab) -> AbstractContextManager[object]:
        proxy = redirected(
            lab,
            "router",
            f"{FROM_SITE} ip daddr {GATEWAY} tcp dport {PROXY_PORT}",
            "proxy",
            lambda port: servers.forward_proxy(port, HOSTS, login),
        )
        return together(dropped(lab, FROM_SITE), proxy)

    return begin


def _clock(clock: servers.Clock, match: str = "") -> Begin:
    return lambda lab: redirected(lab, "cloud", f"{match} udp dport 123", "clock", lambda port: servers.ntp(port, clock))


def _time(name: str, about: str, begin: Begin, answer: str) -> Fault:
    return Fault(
        f"ntp-{name}",
        about,
        begin,
        {f"ntp {host}": answer.replace("{server}", address) for host, address in TIME_HOSTS.items()},
        {**NAMES_WORK, **WWW_IS_THERE},
    )


def _other_ftp(settings: Mapping[str, str]) -> Begin:
    """The FTP server runs with other settings."""

    def begin(lab: Lab) -> AbstractContextManager[object]:
        cloud, port = lab["cloud"], 2121
        start = running(lab, "cloud", lambda: daemons.vsftpd(cloud, "other-ftp", port, settings), daemons.tcp_open("127.0.0.1", port))
        return together(start, sent_to_port(lab, "cloud", f"ip daddr {FTP_SERVER} tcp dport 21", port, same_address=True))

    return begin


def _ftp_data(verdict: str) -> Begin:
    return lambda lab: filtered(lab, "router", f"{FROM_SITE} ip daddr {FTP_SERVER} tcp dport {DATA} {verdict}")


def _says(match: str, first: bytes) -> Begin:
    return lambda lab: redirected(lab, "cloud", match, "says", lambda port: servers.says(port, first))


FAULTS: tuple[Fault, ...] = (
    _portal_fault("redirects", "drop", "302 " + LOGIN + " Redirect"),
    _portal_fault("redirects", "reset", "302 " + LOGIN + " Redirect"),
    _portal_fault("redirects", "certificate", "302 " + LOGIN + " Redirect"),
    _portal_fault("answers-200", "drop", "200 Guest network login"),
    _portal_fault("answers-200", "certificate", "200 Guest network login"),
    _portal_fault("answers-511", "drop", "511 Guest network login"),
    Fault(
        "portal-by-names",
        "A guest network leads every name to its login page.",
        _portal_by_names,
        {"dns www.alsoenergy.com": f"NOERROR {GATEWAY}", "http maki.alsoenergy.com": "200 Guest network login"},
    ),
    Fault(
        "block-page-http",
        "A filter's page answers for one server, on port 80.",
        _blocked,
        {"http streamer.alsoenergy.com": "403 Web Page Blocked!"},
        {"http maki.alsoenergy.com": "200 maki.alsoenergy.com"},
    ),
    Fault(
        "block-page-https",
        "A filter's page answers for one server, on ports 80 and 443.",
        _blocked_tls,
        {"http streamer.alsoenergy.com": "403 Web Page Blocked!", "https streamer.alsoenergy.com": "403 Web Page Blocked!"},
        {"tls www.alsoenergy.com": TLS_OK},
    ),
    Fault(
        "proxy-required",
        "Nothing passes directly; a proxy is announced, and works.",
        _proxy_required(False),
        {f"tcp {WWW}:443": "silent", f"proxied {GATEWAY}:{PROXY_PORT} maki.alsoenergy.com:443": "200"},
        NAMES_WORK,
        _proxy_env,
    ),
    Fault(
        "proxy-wants-login",
        "Nothing passes directly; a proxy is announced, and asks for a login.",
        _proxy_required(True),
        {f"tcp {WWW}:443": "silent", f"proxied {GATEWAY}:{PROXY_PORT} maki.alsoenergy.com:443": "407"},
        NAMES_WORK,
        _proxy_env,
    ),
    Fault(
        "proxy-407",
        "Something on the way answers 407 to every web request.",
        lambda lab: redirected(lab, "router", LAN_WEB, "proxy", lambda port: servers.web(port, servers.PROXY_PAGE)),
        {"http maki.alsoenergy.com": "407 Access to the proxy requires a login"},
        {"tls www.alsoenergy.com": TLS_OK},
    ),
    Fault(
        "proxy-transparent",
        "The router makes every web request itself.",
        lambda lab: redirected(lab, "router", LAN_WEB, "proxy", servers.transparent_proxy),
        {f"at-ttl 1 {MAKI}:80": "open"},
        {"http maki.alsoenergy.com": "200 maki.alsoenergy.com", f"at-ttl 1 {MAKI}:443": f"icmp 11/0 from {GATEWAY}"},
    ),
    Fault(
        "http-503",
        "One server is there and in trouble: 503.",
        _answers_503,
        {"http streamer.alsoenergy.com": "503 Service Unavailable", "https streamer.alsoenergy.com": "503 Service Unavailable"},
        {"tls www.alsoenergy.com": TLS_OK},
    ),
    Fault(
        "wrong-service-2022",
        "Port 2022 speaks HTTP.",
        lambda lab: sent_to_port(lab, "cloud", f"ip daddr {REMOTE_ACCESS} tcp dport 2022", 80),
        {f"ssh {REMOTE_ACCESS}:2022": "silent"},
        WWW_IS_THERE,
    ),
    Fault(
        "wrong-service-21",
        "Port 21 speaks SSH.",
        _says(f"ip daddr {FTP_SERVER} tcp dport 21", b"SSH-2.0-dropbear_2019.78\r\n"),
        {f"ssh {FTP_SERVER}:21": "SSH-2.0-dropbear"},
        WWW_IS_THERE,
    ),
    Fault(
        "wrong-service-80",
        "Port 80 of one server speaks FTP.",
        _says(f"ip daddr {STREAMER} tcp dport 80", b"220 Welcome.\r\n"),
        {"http streamer.alsoenergy.com": "closed"},
        WWW_IS_THERE,
    ),
    _time("dropped", "The site's router drops network time.", drop("udp dport 123"), "silent"),
    _time("dropped-at-isp", "The ISP drops network time's answers.", drop("udp sport 123", "isp2"), "silent"),
    _time(
        "prohibited",
        "The site's router prohibits network time.",
        lambda lab: rejected(lab, "udp dport 123", "admin-prohibited"),
        f"icmp 3/13 from {GATEWAY}",
    ),
    _time(
        "nobody-there",
        "The time servers run no time service.",
        lambda lab: rejected(lab, "udp dport 123", "port-unreachable", "cloud", ("input",)),
        "icmp 3/3 from {server}",
    ),
    _time(
        "kiss-rate",
        "The time servers say: too often.",
        _clock(servers.Clock(stratum=0, leap=3, reference=b"RATE")),
        "stratum 0 leap 3 kiss RATE",
    ),
    _time(
        "kiss-deny",
        "The time servers say: go away.",
        _clock(servers.Clock(stratum=0, leap=3, reference=b"DENY")),
        "stratum 0 leap 3 kiss DENY",
    ),
    _time("unsynchronised", "The time servers have no time themselves.", _clock(servers.Clock(stratum=16, leap=3)), "stratum 16 leap 3"),
    _time(
        "leap-alarm",
        "The time servers say stratum 2, and that they are not synchronised.",
        _clock(servers.Clock(leap=3)),
        "stratum 2 leap 3",
    ),
    _time(
        "not-our-question",
        "The answers of the time servers are to another question.",
        _clock(servers.Clock(echo=False)),
        "stratum 2 other origin",
    ),
    Fault(
        "ntp-one-lies",
        "One time server is an hour ahead of the other.",
        _clock(servers.Clock(3600), f"ip daddr {TIME_HOSTS['time.nist.gov']}"),
        {"ntp time.nist.gov": "stratum 2 offset 60 min"},
        {"ntp time.windows.com": "stratum 2"},
    ),
    Fault(
        "ntp-one-silent",
        "One time server is silent.",
        drop(f"ip daddr {TIME_HOSTS['time.nist.gov']} udp dport 123"),
        {"ntp time.nist.gov": "silent"},
        {"ntp time.windows.com": "stratum 2"},
    ),
    Fault(
        "ftp-data-dropped",
        "The site's router drops FTP's passive data ports.",
        _ftp_data("drop"),
        {f"ftp pasv {FTP_HOST}": "silent after 227", f"ftp epsv {FTP_HOST}": "silent after 229"},
        CONTROL_WORKS,
    ),
    Fault(
        "ftp-data-rejected",
        "The site's router resets FTP's passive data ports.",
        _ftp_data("meta l4proto tcp reject with tcp reset"),
        {f"ftp pasv {FTP_HOST}": "ECONNREFUSED after 227"},
        CONTROL_WORKS,
    ),
    Fault(
        "ftp-227-private",
        "The FTP server gives a private address for its data.",
        _other_ftp({"pasv_address": "10.1.2.3"}),
        {f"ftp pasv {FTP_HOST}": "silent after 227"},
        {f"ftp epsv {FTP_HOST}": "1 file"},
    ),
    Fault(
        "ftp-epsv-refused",
        "The FTP server refuses EPSV.",
        _other_ftp({"cmds_denied": "EPSV"}),
        {f"ftp epsv {FTP_HOST}": "550"},
        {f"ftp pasv {FTP_HOST}": "1 file"},
    ),
    Fault(
        "ftp-no-passive",
        "The FTP server refuses PASV and EPSV.",
        _other_ftp({"cmds_denied": "EPSV,PASV"}),
        {f"ftp epsv {FTP_HOST}": "550", f"ftp pasv {FTP_HOST}": "550"},
        CONTROL_WORKS,
    ),
    Fault(
        "ftp-login-refused",
        "The FTP server refuses every login.",
        _other_ftp({"secure_email_list_enable": "YES", "email_password_file": "/etc/passwd", "delay_failed_login": "0"}),
        {f"ftp pasv {FTP_HOST}": "530"},
        CONTROL_WORKS,
    ),
    Fault(
        "ftp-silent",
        "The FTP server accepts and never greets.",
        lambda lab: redirected(lab, "cloud", f"ip daddr {FTP_SERVER} tcp dport 21", "mute", servers.mute),
        {f"ftp pasv {FTP_HOST}": "silent after nothing"},
        CONTROL_WORKS,
    ),
)
"""Single faults of content."""
