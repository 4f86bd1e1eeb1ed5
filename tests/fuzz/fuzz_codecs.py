"""Throws mutated bytes at the codecs of aetui.wire: none may raise, and none may take long.

    python tests/fuzz/fuzz_codecs.py [CODEC…] [--seconds N | --runs N] [--seed N]

Without a codec's name all take turns. Each input is a seed of that codec, cut, spliced, repeated and flipped; the same ``--seed`` gives the
same inputs. A finding is printed as hex with its traceback, and the exit status is 1. ``fuzz_atheris.py`` is the same led by coverage.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from aetui.wire import classify, clienthello, dns, ftp, http, icmp, natpmp, pcp, sntp, ssdp, ssh, telnet, tls, token, x224

SLOWEST_S = 2.0
"""One input may take this long; beyond it the codec can be made to hang."""
LONGEST = 70_000
"""Octets of one input: a little more than any bound that a codec has."""

ASKED = dns.query("logger.example.com", "A", 4711)
_ANSWER = ASKED[:2] + b"\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00" + ASKED[12:]


@dataclass(frozen=True)
class Codec:
    """What takes the bytes, and where mutation begins."""

    take: Callable[[bytes], object]
    seeds: tuple[bytes, ...]


def _sntp(data: bytes) -> None:
    packet = sntp.parse(data)
    if packet:
        sntp.timing(packet, 1.8e9, 12.0)
        _ = packet.kiss, packet.refid


def _ftp(data: bytes) -> None:
    parser = ftp.ReplyParser()
    for piece in _pieces(data):
        for reply in parser.feed(piece):
            ftp.passive(reply)
            ftp.extended_passive(reply)
            ftp.features(reply)


def _http(data: bytes) -> None:
    parser = http.ResponseParser()
    for piece in _pieces(data):
        parser.feed(piece)
    parser.finish()
    http.title(parser.body, parser.header("content-type"))
    http.date(parser.header("date") or "")
    assert len(parser.body) <= http.MOST_BODY
    assert len(parser.headers) <= http.MOST_HEADERS


def _ssh(data: bytes) -> None:
    parser = ssh.IdentificationParser()
    for piece in _pieces(data):
        parser.feed(piece)
    parser.finish()


def _telnet(data: bytes) -> None:
    reader = telnet.Reader()
    for piece in _pieces(data):
        list(reader.feed(piece))


def _pieces(data: bytes) -> Iterator[bytes]:
    """The data cut into a few pieces, where its own first octet says."""
    step = 1 + 97 * (data[0] if data else 0)
    return (data[at : at + step] for at in range(0, len(data), step))


CODECS: dict[str, Codec] = {
    "sntp": Codec(_sntp, (sntp.request(7), b"\x24\x01" + bytes(46))),
    "ftp": Codec(_ftp, (b"220-a\r\n b\r\n220 c\r\n", b"227 (10,0,0,1,4,1)\r\n229 (|||99|)\r\n", b"211-F\r\n EPSV\r\n211 E\r\n")),
    "http": Codec(
        _http,
        (
            b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 24\r\n\r\n<title>a &amp; b</title>",
            b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ),
    ),
    "ssh": Codec(_ssh, (b"hello\r\nSSH-2.0-OpenSSH_9.2 Debian\r\n", b"SSH-1.99-x\n")),
    "dns": Codec(
        lambda data: dns.parse(data, ASKED),
        (
            _ANSWER + b"\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1b\xc0\x13" + b"\1b\xc0\x13\0\1\0\1\0\0\0\x3c\0\4\1\2\3\4",
            ASKED[:2] + b"\x81\x85" + bytes(8),
        ),
    ),
    "tls": Codec(tls.read, (b"\x16\x03\x03\0\x2c\2\0\0\x28\x03\x03" + bytes(33) + b"\x13\1\0\0\0", b"\x15\x03\x03\0\2\2\x28")),
    "telnet": Codec(_telnet, (b"\xff\xfd\x01\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03login: ", b"\xff\xfa\x18\x01\xff\xf0")),
    "x224-request": Codec(x224.parse_request, (x224.request(), x224.request(cookie="anna"))),
    "x224-confirm": Codec(x224.parse_confirm, (bytes.fromhex("030000130ed000001234000201080002000000"),)),
    "clienthello": Codec(clienthello.parse, (b"\x16\x03\x01\0\x2f\1\0\0\x2b\x03\x03" + bytes(33) + b"\0\2\x13\1\1\0\0\0",)),
    "classify-client": Codec(classify.client, (x224.request(), b"GET / HTTP/1.1\r\n", b"\xff\xfd\x03", b"SSH-2.0-x\r\n")),
    "classify-server": Codec(classify.server, (b"HTTP/1.1 200 OK\r\n", b"\xff\xfd\x01login: ", b"SSH-2.0-x\r\n", b"220 ftp\r\n")),
    "token": Codec(token.parse_frame, (token.frame(token.hello(token.Key.of("0123-4567"))),)),
    "icmp4": Codec(icmp.parse_icmp4, (b"\x03\x0d" + bytes(6) + b"\x45\x00\x00\x28" + bytes(24),)),
    "icmp6": Codec(icmp.parse_icmp6, (b"\x01\x01" + bytes(6) + b"\x60" + bytes(47),)),
    "natpmp": Codec(natpmp.parse, (b"\x00\x80\x00\x00\x00\x00\x00\x01\xcb\x00\x71\x07",)),
    "pcp": Codec(pcp.parse, (b"\x02\x80\x00\x00" + bytes(20),)),
    "ssdp": Codec(ssdp.parse, (b"HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nLOCATION: http://192.0.2.1:5000/d.xml\r\n\r\n",)),
}


def mutated(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One input: a seed after a few random changes."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(0, 6)):
        at, size = chance.randint(0, len(data)), chance.randint(0, 24)
        match chance.randrange(7):
            case 0:
                del data[at : at + size]
            case 1:
                data[at:at] = chance.randbytes(size)
            case 2:
                data[at:at] = chance.choice(seeds)[:size]
            case 3 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 4 if at < len(data):
                data[at] = chance.choice(b"\x00\xff\x7f\x80\r\n -:,;()")
            case 5:
                data[at:at] = data[at : at + size] * chance.choice((2, 50, 3000))
            case _:
                data[at:at] = chance.choice((b"\r\n", b"\n", b"\0", b"\xff", b"\xc0\x0c", b"9" * 20))
        del data[LONGEST:]
    return bytes(data)


def tried(name: str, data: bytes) -> str | None:
    """None where the codec took the input well, otherwise what went wrong."""
    began = time.perf_counter()
    try:
        CODECS[name].take(data)
    except Exception:
        return f"{name}: {data.hex()}\n{traceback.format_exc()}"
    took = time.perf_counter() - began
    return f"{name}: {took:.1f} s for {len(data)} octets: {data[:200].hex()}…" if took > SLOWEST_S else None


def search(names: Sequence[str], chance: random.Random, runs: int | None, seconds: float) -> tuple[int, str | None]:
    """Turns of all codecs until the first finding, the number of runs, or the end of time; how many there were, and the finding."""
    done, end = 0, time.monotonic() + seconds
    while (done < runs) if runs is not None else (time.monotonic() < end):
        name = names[done % len(names)]
        problem = tried(name, mutated(chance, CODECS[name].seeds))
        done += 1
        if problem:
            return done, problem
    return done, None


def main(arguments: Sequence[str]) -> int:
    """The program."""
    parser = argparse.ArgumentParser(description="Throw mutated bytes at the codecs of aetui.wire.")
    parser.add_argument("codecs", nargs="*", metavar="CODEC", help=f"one of {', '.join(CODECS)}; all by default")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long (30)")
    parser.add_argument("--runs", type=int, help="how many inputs, instead of how long")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers (0)")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.codecs) - set(CODECS):
        parser.error(f"no such codec: {', '.join(sorted(unknown))}")
    done, problem = search(chosen.codecs or list(CODECS), random.Random(chosen.seed), chosen.runs, chosen.seconds)
    print(problem or f"{done} inputs, none raised, none took more than {SLOWEST_S} s")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
