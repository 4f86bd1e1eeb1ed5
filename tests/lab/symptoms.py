"""What a plain client sees, in one short sentence: the raw symptom of a fault, told without any of aetui.

``see("tcp 204.232.231.197:443")`` gives ``open``, ``reset``, ``silent``, ``icmp 3/13 from 192.168.50.1`` or an errno. The kinds of
question are the keys of ``KINDS``; each is asked where the caller stands (``Node.inside``). Names are resolved by the first resolver of
/etc/resolv.conf, by hand, so that nothing hides behind the C library. A question takes ``PATIENCE_S`` at most a step.
"""

from __future__ import annotations

import errno
import ftplib
import re
import socket
import ssl
import struct
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from .daemons import dns_question

PATIENCE_S = 1.5
_IP_RECVERR, _EPOCH = 11, 2_208_988_800
_RCODES = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}


def see(question: str) -> str:
    """Ask ``KIND REST`` and say what was seen."""
    kind, _, rest = question.partition(" ")
    return KINDS[kind](rest)


def _end(text: str, port: int) -> tuple[str, int]:
    host, _, given = text.partition(":")
    return host, int(given or port)


def _icmp(handle: socket.socket) -> str | None:
    """The oldest entry of the error queue, as words (IP_RECVERR(2const))."""
    handle.setblocking(False)
    with suppress(OSError):
        _, control, _, _ = handle.recvmsg(512, 512, socket.MSG_ERRQUEUE)
        for level, kind, data in control:
            if (level, kind) == (socket.IPPROTO_IP, _IP_RECVERR):
                _, origin, icmp_type, code = struct.unpack_from("=IBBB", data)
                return f"icmp {icmp_type}/{code} from {socket.inet_ntoa(data[20:24])}" if origin == 2 else "told by this machine"
    return None


def _connect(address: str, port: int) -> tuple[socket.socket, str]:
    handle = socket.socket()
    handle.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
    handle.settimeout(PATIENCE_S)
    try:
        handle.connect((address, port))
    except TimeoutError:
        return handle, "silent"
    except OSError as error:
        plain = "reset" if error.errno == errno.ECONNREFUSED else errno.errorcode[error.errno or 0]
        return handle, _icmp(handle) or plain
    return handle, "open"


def tcp(rest: str) -> str:
    """``address:port``."""
    handle, seen = _connect(*_end(rest, 80))
    handle.close()
    return seen


def at_ttl(rest: str) -> str:
    """``ttl address:port``: a connect with a small TTL."""
    ttl, _, end = rest.partition(" ")
    address, port = _end(end, 80)
    with socket.socket() as handle:
        handle.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        handle.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, int(ttl))
        handle.settimeout(PATIENCE_S)
        code = handle.connect_ex((address, port))
        return "open" if code == 0 else _icmp(handle) or ("silent" if code == errno.EAGAIN else errno.errorcode[code])


def rtt(rest: str) -> str:
    """``address:port``: which of some times a connect took at least."""
    with socket.socket() as handle:
        handle.settimeout(5)
        before = time.monotonic()
        handle.connect(_end(rest, 80))
        took = time.monotonic() - before
        return f"at least {max(limit for limit in (0.0, 0.2, 0.8, 1.6) if limit <= took)} s"


def share(rest: str) -> str:
    """``address``: how many of 60 network time questions, sent 5 ms apart, are answered."""
    asked = 60
    with socket.socket(type=socket.SOCK_DGRAM) as handle:
        handle.connect((rest, 123))
        for _ in range(asked):
            handle.send(b"\x23" + bytes(47))
            time.sleep(0.005)
        handle.settimeout(PATIENCE_S)
        answered = 0
        with suppress(TimeoutError):
            while answered < asked and handle.recv(128):
                answered += 1
    word = "all" if answered == asked else "none" if not answered else "some" if 0.2 < answered / asked < 0.9 else f"{answered}"
    return f"{word} of {asked}"


def arp(rest: str) -> str:
    """``address``: whether anybody else on the LAN answers an ARP probe for it (RFC 5227 section 2.1.1)."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806)) as handle:
        handle.bind(("eth0", 0))
        handle.settimeout(PATIENCE_S)
        mac = handle.getsockname()[4]
        head = b"\xff" * 6 + mac + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)
        handle.send(head + mac + bytes(4) + bytes(6) + socket.inet_aton(rest))
        end = time.monotonic() + PATIENCE_S
        with suppress(TimeoutError):
            while time.monotonic() < end:
                frame = handle.recv(128)
                if frame[20:22] == b"\x00\x02" and frame[28:32] == socket.inet_aton(rest):
                    return "answered"
    return "silent"


def _ask(address: str, port: int, question: bytes) -> bytes | str:
    with socket.socket(type=socket.SOCK_DGRAM) as handle:
        handle.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        handle.settimeout(PATIENCE_S)
        try:
            handle.connect((address, port))
            handle.send(question)
            return handle.recv(4096)
        except TimeoutError:
            return "silent"
        except OSError as error:
            return _icmp(handle) or errno.errorcode[error.errno or 0]


def _first_resolver() -> str:
    found = re.search(r"^nameserver (\S+)", Path("/etc/resolv.conf").read_text(), re.MULTILINE)
    return found[1] if found else "127.0.0.1"


def _skip_name(message: bytes, at: int) -> int:
    while message[at] and message[at] < 0xC0:
        at += message[at] + 1
    return at + (2 if message[at] else 1)


def _dns_words(message: bytes) -> str:
    """Response code, then every A record."""
    _, flags, questions, answers, _, _ = struct.unpack_from("!6H", message)
    at = 12
    for _ in range(questions):
        at = _skip_name(message, at) + 4
    found = []
    for _ in range(answers):
        at = _skip_name(message, at)
        kind, _, _, length = struct.unpack_from("!2HIH", message, at)
        found += [socket.inet_ntoa(message[at + 10 : at + 14])] if kind == 1 else []
        at += 10 + length
    return " ".join([_RCODES.get(flags & 15, f"rcode{flags & 15}"), *found])


def dns(rest: str) -> str:
    """``name [resolver]`` over UDP."""
    name, _, resolver = rest.partition(" ")
    reply = _ask(resolver or _first_resolver(), 53, dns_question(name))
    return reply if isinstance(reply, str) else _dns_words(reply)


def dns_tcp(rest: str) -> str:
    """``name [resolver]`` over TCP."""
    name, _, resolver = rest.partition(" ")
    handle, seen = _connect(resolver or _first_resolver(), 53)
    question = dns_question(name)
    with closing(handle):
        if seen != "open":
            return seen
        handle.sendall(struct.pack("!H", len(question)) + question)
        try:
            head = handle.recv(2)
            return _dns_words(handle.recv(struct.unpack("!H", head)[0])) if head else "closed"
        except TimeoutError:
            return "silent"


def _address(host: str) -> str | None:
    """A literal address as it is, a name's first address from the resolver, or None."""
    with suppress(OSError):
        socket.inet_aton(host)
        return host
    found = re.search(r" ([\d.]+)", dns(host))
    return found[1] if found else None


def _open(rest: str, port: int) -> tuple[str, socket.socket | None, str]:
    host, port = _end(rest, port)
    address = _address(host)
    if address is None:
        return host, None, "no address"
    handle, seen = _connect(address, port)
    if seen == "open":
        return host, handle, seen
    handle.close()
    return host, None, seen


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def tls(rest: str) -> str:
    """``host[:port]``: verified against SSL_CERT_FILE: ``trusted by ISSUER``, ``untrusted from ISSUER: reason``, or how it broke."""
    host, handle, seen = _open(rest, 443)
    if handle is None:
        return seen
    with closing(handle):
        verdict = _shake(handle, host, ssl.create_default_context())
    if not verdict.startswith("certificate"):
        return verdict
    loose = ssl.create_default_context()
    loose.check_hostname, loose.verify_mode = False, ssl.CERT_NONE
    _, handle, seen = _open(rest, 443)
    if handle is None:
        return seen
    with closing(handle):
        return f"untrusted from {_shake(handle, host, loose).removeprefix('trusted by ')}: {verdict.removeprefix('certificate ')}"


def _shake(handle: socket.socket, host: str, context: ssl.SSLContext) -> str:
    try:
        with context.wrap_socket(handle, server_hostname=host) as secure:
            shown = secure.getpeercert(binary_form=True)
            return "trusted by " + _common_name(x509.load_der_x509_certificate(shown or b"").issuer)
    except ssl.SSLCertVerificationError as error:
        return f"certificate {error.verify_message}"
    except ssl.SSLEOFError:
        return "closed"
    except ssl.SSLError as error:
        return f"tls {error.reason}"
    except TimeoutError:
        return "silent"
    except OSError as error:
        return errno.errorcode[error.errno or 0]


def http(rest: str) -> str:
    """``host[:port]``: a GET on / in the clear: status, then location and title where there are."""
    host, handle, seen = _open(rest, 80)
    if handle is None:
        return seen
    with closing(handle):
        return _get(handle, host)


def https(rest: str) -> str:
    """``host``: as ``http``, under TLS, whoever signed."""
    host, handle, seen = _open(rest, 443)
    if handle is None:
        return seen
    loose = ssl.create_default_context()
    loose.check_hostname, loose.verify_mode = False, ssl.CERT_NONE
    with closing(handle):
        try:
            return _get(loose.wrap_socket(handle, server_hostname=host), host)
        except TimeoutError:
            return "silent"
        except OSError as error:
            return f"broken {error.errno}"


def _get(handle: socket.socket, host: str) -> str:
    said = b""
    try:
        handle.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        while len(said) < 65536 and (more := handle.recv(65536)):
            said += more
    except TimeoutError:
        if not said:
            return "silent"
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    status = re.match(rb"HTTP/\S+ (\d+)", said)
    extras = [re.search(pattern, said, re.IGNORECASE) for pattern in (rb"\r\nlocation: (\S+)", rb"<title>([^<]*)")]
    return " ".join([status[1].decode() if status else "closed", *(found[1].decode() for found in extras if found)])


def proxied(rest: str) -> str:
    """``proxy:port host:port``: the status that a CONNECT gets."""
    proxy, _, target = rest.partition(" ")
    _, handle, seen = _open(proxy, 3128)
    if handle is None:
        return seen
    with closing(handle):
        handle.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        try:
            return handle.recv(4096)[9:12].decode()
        except TimeoutError:
            return "silent"


def ntp(rest: str) -> str:
    """``host``: stratum, leap where not 0, the offset where it is more than half a minute, and a kiss's code."""
    address = _address(rest)
    if address is None:
        return "no address"
    reply = _ask(address, 123, b"\x23" + bytes(39) + b"aetui-la")
    if isinstance(reply, str):
        return reply
    stratum, leap, offset = reply[1], reply[0] >> 6, struct.unpack_from("!I", reply, 40)[0] - _EPOCH - time.time()
    if reply[24:32] != b"aetui-la":
        return f"stratum {stratum} other origin"
    words = [f"stratum {stratum}", f"leap {leap}" if leap else "", f"kiss {reply[12:16].decode()}" if stratum == 0 else ""]
    if stratum and abs(offset) > 30:
        words.append(f"offset {round(offset / 60)} min")
    return " ".join(filter(None, words))


def ssh(rest: str) -> str:
    """``host:port``: the first line that the server says."""
    _, handle, seen = _open(rest, 22)
    if handle is None:
        return seen
    with closing(handle):
        try:
            return handle.recv(256).split(b"\r\n")[0].split(b"_")[0].decode(errors="replace") or "closed"
        except TimeoutError:
            return "silent"
        except OSError as error:
            return errno.errorcode[error.errno or 0]


def ftp(rest: str) -> str:
    """``mode host``, mode ``pasv``, ``epsv`` or ``port``: log in and list; what came of it."""
    mode, _, host = rest.partition(" ")
    address = _address(host)
    if address is None:
        return "no address"
    client = _Ftp(timeout=PATIENCE_S)
    client.mode = mode
    client.__dict__["trust_server_pasv_ipv4_address"] = True  # ftplib hides a wrong 227 else
    client.set_pasv(mode != "port")
    lines: list[str] = []
    with closing(client):
        try:
            client.connect(address)
            client.login("anonymous", "technician@example.net")
            client.retrlines("LIST", lines.append)
            return f"{len(lines)} file" if lines else "empty"
        except ftplib.Error as error:
            return str(error)[:3]
        except TimeoutError:
            return "silent after " + client.reached
        except OSError as error:
            return f"{errno.errorcode.get(error.errno or 0, 'closed')} after {client.reached}"


class _Ftp(ftplib.FTP):
    """ftplib that can be told EPSV on IPv4, and remembers the last reply."""

    mode = "pasv"
    reached = "nothing"

    def getresp(self) -> str:
        reply = super().getresp()
        self.reached = reply[:3]
        return reply

    def makepasv(self) -> tuple[str, int]:
        if self.mode == "pasv":
            return super().makepasv()
        peer = self.sock.getpeername() if self.sock else ("", 0)
        host, port = ftplib.parse229(self.sendcmd("EPSV"), peer)
        return str(host), int(port)


_ALL = (tcp, at_ttl, rtt, share, arp, dns, dns_tcp, tls, http, https, proxied, ntp, ssh, ftp)
KINDS: dict[str, Callable[[str], str]] = {kind.__name__.replace("_", "-"): kind for kind in _ALL}
"""Question word to function."""
