"""The real programs of the lab and their settings: one function a program, each gives the running Process and its test of being there.

None needs to change user, so that all of them run where only one user exists (a rootless lab). Clocks are read and never set.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from .nodes import Node, Process
from .topology import CERTIFICATES, FTP_DATA_PORTS, HOSTS, IPV6_HOSTS, KIOSK_ALIVE, SUPPORT, SUPPORT_DOMAINS

Ready = Callable[[], bool]
TRY_S = 0.5


def tcp_open(address: str, port: int) -> Ready:
    """A test: something accepts there."""

    def ready() -> bool:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as handle:
            handle.settimeout(TRY_S)
            return handle.connect_ex((address, port)) == 0

    return ready


def udp_answers(address: str, port: int, question: bytes) -> Ready:
    """A test: a datagram comes back."""

    def ready() -> bool:
        with socket.socket(type=socket.SOCK_DGRAM) as handle:
            handle.settimeout(TRY_S)
            try:
                handle.connect((address, port))
                handle.send(question)
                return bool(handle.recv(4096))
            except OSError:
                return False

    return ready


def dns_question(name: str, kind: int = 1, number: int = 0x1AB0) -> bytes:
    """One recursive question (RFC 1035 section 4.1); kind 1 is A."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.strip(".").split("."))
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", kind, 1)


NTP_QUESTION = b"\x23" + bytes(47)


def dnsmasq(node: Node, name: str, listen: Iterable[str], settings: Iterable[str], port: int = 53) -> Process:
    """A dnsmasq without cache, upstream or hosts of its own unless ``settings`` say so."""
    addresses = list(listen)
    lines = [
        "keep-in-foreground",
        "user=root",
        "pid-file=",
        "no-resolv",
        "no-hosts",
        "no-poll",
        "bind-interfaces",
        "cache-size=0",
        "dns-forward-max=5000",
        f"port={port}",
        *(f"listen-address={a}" for a in addresses),
        *settings,
    ]
    conf = node.home / f"{name}.conf"
    conf.write_text("\n".join(lines) + "\n")
    # an empty group, which only the command line can say, keeps it from setgroups(), forbidden where one user exists
    return node.daemon(name, ["dnsmasq", "--group=", "-C", str(conf)])


def zone(home: Path, ipv6: bool = False, changed: Mapping[str, str | None] | None = None, unknown: str = "") -> list[str]:
    """Settings of a dnsmasq that knows every host of the lab, written into ``home``.

    ``changed`` gives other addresses, or None for a name that is not there; ``unknown`` is what every other name leads to, nothing unless
    told.
    """
    names: dict[str, str | None] = {**HOSTS, **(changed or {})}
    rows = [f"{address} {name}" for name, address in names.items() if address]
    rows += [f"{address} {name}" for name, address in IPV6_HOSTS.items() if ipv6]
    known = home / "zone.hosts"
    known.write_text("\n".join(rows) + "\n")
    return [f"addn-hosts={known}", f"address=/#/{unknown}", *(f"address=/{domain}/{SUPPORT}" for domain in SUPPORT_DOMAINS)]


def _web_maps(certificates: Path) -> str:
    """nginx maps from the name asked for, else the address reached, to a certificate."""
    names = "\n".join(
        f"    {name.replace('*', '')} {key};" for key, all_ in CERTIFICATES.items() if key != "kiosk" for name in sorted(all_)
    )
    addresses = "\n".join(f"    {address} kiosk;" for address in KIOSK_ALIVE)
    # the hostnames matching of a map takes ".example.com" as the domain and all below it; the bare domain is then there twice
    unique = "\n".join(dict.fromkeys(line for line in names.splitlines() if line.strip().startswith(".")))
    return f"""
map $ssl_server_name $by_name {{
    hostnames;
{unique}
    default "";
}}
map $server_addr $by_address {{
{addresses}
    default alsoenergy;
}}
map $by_name $key {{ "" $by_address; default $by_name; }}
map "{certificates}/$key.pem" $pem {{ default "{certificates}/$key.pem"; }}
"""


def nginx(node: Node, certificates: Path, ipv6: bool) -> Process:
    """The cloud's web servers on 80 and 443, told apart by name."""
    home = node.home
    six80, six443 = ("listen [::]:80;", "listen [::]:443 ssl;") if ipv6 else ("", "")
    page = "<!doctype html><title>$host</title><p>$host is at work.</p>"
    conf = home / "nginx.conf"
    conf.write_text(
        f"""user root root; daemon off; master_process off; pid {home}/nginx.pid; error_log {home}/nginx.log; worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
access_log off; default_type text/html; server_tokens off;
client_body_temp_path {home}/t1; proxy_temp_path {home}/t2; fastcgi_temp_path {home}/t3;
uwsgi_temp_path {home}/t4; scgi_temp_path {home}/t5;
map_hash_bucket_size 128;
{_web_maps(certificates)}
map $host $secure {{ hostnames; www.alsoenergy.com 1;
    apps.alsoenergy.com 1; hmi.alsoenergy.com 1; pubdisplay.alsoenergy.com 1; default 0; }}
server {{ listen 80 backlog=2048; {six80}
    if ($secure) {{ return 301 https://$host$request_uri; }} return 200 '{page}'; }}
server {{ listen 443 ssl backlog=2048; {six443} ssl_certificate $pem; ssl_certificate_key $pem;
    ssl_protocols TLSv1.2 TLSv1.3; return 200 '{page}'; }}
}}
"""
    )
    return node.daemon("nginx", ["nginx", "-p", str(home), "-c", str(conf), "-e", str(home / "nginx.log")])


def vsftpd(node: Node, name: str = "vsftpd", port: int = 21, more: Mapping[str, str] | None = None) -> Process:
    """The SMA FTP server: anonymous, any password, passive and active, a readable file and a directory."""
    root, empty = node.home / "ftp", node.home / "empty"
    for path in (root, empty):
        path.mkdir(exist_ok=True)
        path.chmod(0o555)
    (root / "readme.txt").write_text("This server takes the reports of SMA equipment.\n" * 20)
    settings = {
        "listen": "YES",
        "background": "NO",
        "listen_port": str(port),
        "max_per_ip": "0",
        "max_clients": "0",
        "anonymous_enable": "YES",
        "local_enable": "NO",
        "no_anon_password": "NO",
        "seccomp_sandbox": "NO",
        "run_as_launching_user": "YES",
        "secure_chroot_dir": str(empty),
        "anon_root": str(root),
        "xferlog_enable": "NO",
        "pasv_min_port": str(FTP_DATA_PORTS[0]),
        "pasv_max_port": str(FTP_DATA_PORTS[1]),
        "ftpd_banner": "SMA data service",
        "connect_from_port_20": "NO",
        "accept_timeout": "20",
        "connect_timeout": "20",
        **(more or {}),
    }
    conf = node.home / f"{name}.conf"
    conf.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    return node.daemon(name, ["vsftpd", str(conf)])


def chronyd(node: Node) -> Process:
    """Network time from this machine's own clock, which it does not touch."""
    conf = node.home / "chrony.conf"
    conf.write_text(f"local stratum 2\nallow all\ncmdport 0\npidfile {node.home}/chronyd.pid\nsched_priority 0\n")
    return node.daemon("chronyd", ["chronyd", "-x", "-d", "-U", "-u", "root", "-f", str(conf)])


def sshd(node: Node, name: str, port: int, host_key: Path, settings: Mapping[str, str] | None = None) -> Process:
    """An OpenSSH server. It runs as user ``tech`` (uid 1000) of a user namespace, so that it needs to become nobody else.

    Only keys in authorized_keys beside its configuration get in; no password exists.
    """
    keys = node.home / f"{name}.authorized_keys"
    keys.touch()
    options = {
        "Port": str(port),
        "HostKey": str(host_key),
        "UsePAM": "no",
        "StrictModes": "no",
        "PidFile": "none",
        "AuthorizedKeysFile": str(keys),
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "UseDNS": "no",
        "MaxStartups": "200",
        "MaxSessions": "200",
        "LogLevel": "VERBOSE",
        **(settings or {}),
    }
    conf = node.home / f"{name}.conf"
    conf.write_text("".join(f"{key} {value}\n" for key, value in options.items()))
    node.sysctl({"net.ipv4.ip_unprivileged_port_start": 0})
    as_tech = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
    return node.daemon(name, [*as_tech, "/usr/sbin/sshd", "-D", "-e", "-f", str(conf)])
