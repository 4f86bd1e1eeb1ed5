"""The optional services are real, and inbound traffic meets what a technician meets."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress

from lab import services, topology
from lab.network import Lab
from lab.symptoms import see

RDP_QUESTION = bytes.fromhex("030000130ee000000000000100080003000000")
"""X.224 connection request with a negotiation request for TLS and CredSSP (MS-RDPBCGR 2.2.1.1)."""


def greeting(address: str, port: int, question: bytes = b"") -> str:
    with socket.create_connection((address, port), timeout=3) as handle:
        handle.sendall(question)
        return handle.recv(256).hex()


def datagram(address: str, port: int, question: bytes) -> bytes:
    with socket.socket(type=socket.SOCK_DGRAM) as handle:
        handle.settimeout(2)
        for _ in range(3):  # multicast is answered at leisure
            handle.sendto(question, (address, port))
            with suppress(TimeoutError):
                return handle.recv(2048)
        raise TimeoutError


def seen_by_jump(lab: Lab) -> str:
    """The address that a connection from the laptop seems to come from, told by the jump host's sshd."""
    options = [
        "-i",
        str(lab.home / "ssh_user"),
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        f"UserKnownHostsFile={lab.home}/known",
        "-o",
        "BatchMode=yes",
    ]
    return lab.run("laptop", ["ssh", *options, f"tech@{topology.JUMP}", "echo $SSH_CONNECTION"], timeout=20).stdout.split()[0]


def test_a_forwarded_remote_desktop_is_reached_from_outside_by_its_public_port(lab: Lab) -> None:
    with services.remote_desktop(lab), services.forwarded(lab, 53389, topology.LOGGER, 3389):
        assert greeting_from(lab, "laptop", topology.LOGGER, 3389).startswith("030000130ed0")
        assert greeting_from(lab, "jump", topology.WAN, 53389).startswith("030000130ed0")
        assert lab.inside("jump", see, f"tcp {topology.WAN}:3389") == "silent"


def greeting_from(lab: Lab, node: str, address: str, port: int) -> str:
    return lab.inside(node, greeting, address, port, RDP_QUESTION)


def test_a_forwarded_telnet_asks_for_options(lab: Lab) -> None:
    with services.telnet(lab), services.forwarded(lab, 23, topology.LOGGER, 23):
        assert lab.inside("jump", greeting, topology.WAN, 23).startswith("fffb")


def test_a_forward_for_some_sources_is_silent_to_others(lab: Lab) -> None:
    with services.telnet(lab), services.forwarded(lab, 23, topology.LOGGER, 23, sources="9.9.9.0/24"):
        assert lab.inside("jump", see, f"tcp {topology.WAN}:23") == "silent"


def test_a_router_may_answer_or_refuse_by_itself(lab: Lab) -> None:
    with services.refused_at_router(lab, 3389):
        assert lab.inside("jump", see, f"tcp {topology.WAN}:3389") == "reset"
    with services.answered_by_router(lab, 3389):
        assert lab.inside("jump", see, f"http {topology.WAN}:3389") == "401 Router login"


def test_the_router_tells_its_outer_address_by_nat_pmp_and_ssdp(lab: Lab) -> None:
    with services.universal_plug_and_play(lab):
        assert lab.inside("laptop", datagram, topology.GATEWAY, 5351, b"\0\0")[-4:] == socket.inet_aton(topology.WAN)
        search = b'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: upnp:rootdevice\r\n\r\n'
        assert b"http://192.168.50.1:5000/" in lab.inside("laptop", datagram, "239.255.255.250", 1900, search)


def test_a_site_behind_two_nats_is_seen_from_outside_at_the_second(lab: Lab) -> None:
    assert seen_by_jump(lab) == topology.WAN
    for network in ("192.168.1", "100.64.7"):
        with ExitStack() as stack:
            stack.enter_context(services.behind_another_nat(lab, network))
            assert seen_by_jump(lab) == services.SECOND_NAT
            assert lab.inside("laptop", see, "at-ttl 2 204.232.231.197:443") == f"icmp 11/0 from {network}.1"
            assert lab.inside("jump", see, f"tcp {services.SECOND_NAT}:3389") == "silent"
    assert seen_by_jump(lab) == topology.WAN
