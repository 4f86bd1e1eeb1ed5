"""``aetui request``: what the owner of a firewall has to allow, in the firewall's own words, and the letter that goes with it.

Exit status: 0 done, 2 wrong usage (no such session), 3 the history cannot be used or the file cannot be written.
"""

from __future__ import annotations

import argparse
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from aetui.cli.common import refuse
from aetui.cli.keptone import add_session, kept_one, with_history
from aetui.cli.output import give

FIREWALLS = ("generic", "csv", "nftables", "iptables", "cisco-asa", "fortigate", "palo-alto", "windows")


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_session(parser)
    parser.add_argument("--for", dest="firewall", choices=FIREWALLS, default="generic", help="whose words (default: generic, plain words)")
    parser.add_argument("--all", action="store_true", help="everything that the equipment needs, not only what failed")
    parser.add_argument("--letter", action="store_true", help="the letter in place of the rules: what to ask, in plain English")
    parser.add_argument("--source", metavar="NETWORK", help="the equipment's address or network (default: the network tested from)")
    parser.add_argument("--logger", metavar="ADDRESS", help="the equipment's own address, for inbound ports")
    parser.add_argument(
        "--support", action="append", default=[], metavar="NETWORK", help="a network of the support team: the only source of inbound ports"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="the file to write, in place of standard output")


def run(arguments: argparse.Namespace) -> int:
    """Make it."""
    for option, values in (("source", [arguments.source]), ("support", arguments.support)):
        for value in filter(None, values):
            try:
                IPv4Network(value, strict=False)
            except ValueError:
                return refuse(f"--{option} '{value[:60]}' is neither an IPv4 address nor a network such as 192.168.1.0/24")
    try:
        IPv4Address(arguments.logger or "127.0.0.1")
    except ValueError:
        return refuse(f"--logger '{arguments.logger[:60]}' is not an IPv4 address")
    return with_history(lambda: _request(arguments))


async def _request(arguments: argparse.Namespace) -> int:
    from aetui.catalogue import load
    from aetui.causes import load_causes
    from aetui.prepare import own_catalogue
    from aetui.report.asks import asked
    from aetui.report.letter import letter
    from aetui.report.request import request, site_of

    catalogue = load(own_catalogue())
    kept = await kept_one(arguments.session, arguments.demo, catalogue)
    wanted = asked(kept, catalogue, arguments.all)
    site = site_of(kept, catalogue, arguments.source, arguments.logger, tuple(arguments.support))
    if arguments.letter:
        return give(letter(kept, wanted, site, load_causes(), arguments.all), arguments.output)
    return give(request(wanted, site, arguments.firewall), arguments.output)
