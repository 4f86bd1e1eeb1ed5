"""Where the test itself stands in the way: jump hosts that will not, hairpin tests, and who else gets in; with real daemons."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from aetui.wire import natpmp, telnet, token, upnp, x224
from lab import breaking, daemons, servers, services, topology
from lab.confirming import CODE, Half, listening, outside_half, site_half, technician
from lab.network import Lab
from lab.topology import GATEWAY, LAPTOP, LOGGER, WAN

RDP = f"{WAN}:3389"


@contextmanager
def another_jump_host(lab: Lab, settings: dict[str, str], name: str = "other", key: str = "jump", port: int = 2200) -> Iterator[None]:
    """A second sshd on the jump machine, as a Host of the technician's configuration."""
    home = Path(technician(lab))
    config = home / ".ssh" / "config"
    before = config.read_text()
    known = home / ".ssh" / "known_hosts"
    line = f"[{topology.JUMP}]:{port} {' '.join((lab.home / 'ssh_jump.pub').read_text().split()[:2])}\n"
    known.write_text(known.read_text() + line)
    config.write_text(f"{before}Host {name}\n  HostName {topology.JUMP}\n  Port {port}\n  User tech\n  IdentityFile {lab.home}/ssh_user\n")
    jump = lab["jump"]

    def start() -> Any:
        (jump.home / f"sshd-{name}.authorized_keys").write_bytes((lab.home / "ssh_user.pub").read_bytes())
        return daemons.sshd(jump, f"sshd-{name}", port, lab.home / f"ssh_{key}", settings)

    try:
        with breaking.running(lab, "jump", start, daemons.tcp_open("127.0.0.1", port)):
            yield
    finally:
        config.write_text(before)
        known.write_text(known.read_text().replace(line, ""))


def test_a_jump_host_that_forbids_forwarding_says_nothing_of_the_site(lab: Lab) -> None:
    with another_jump_host(lab, {"AllowTcpForwarding": "no"}), services.remote_desktop(lab), services.forwarded(lab, 3389, LOGGER, 3389):
        halves = site_half(lab, RDP, jump="other"), outside_half(lab, RDP)
        told, beside = (half.told() for half in halves)
    assert beside.causes == ["service-confirmed certain"], "who stands there sees that it is the jump host and not the forward"
    assert told.status == 3 and told.causes == []
    assert told.targets[0]["outcome"] is None
    assert "prohibited" in json.dumps(told.targets[0]["observed"]).lower()


def test_a_jump_host_that_cannot_resolve_leaves_the_name_to_this_machine(lab: Lab) -> None:
    name = "www.alsoenergy.com"
    lab["jump"].resolver()
    try:
        told, beside = site_half(lab, f"{name}:3389").told(), outside_half(lab, f"{name}:3389").told()
    finally:
        lab["jump"].resolver(topology.SECOND_RESOLVER)
    assert beside.status == 3 and name in beside.complaint, "who stands there has nobody else to ask"
    assert told.targets[0]["address"] == topology.HOSTS[name] and told.causes == ["forward-refused possible"]


def test_a_name_that_nobody_knows_is_one_sentence_and_undetermined(lab: Lab) -> None:
    told = site_half(lab, "no-such-host.example:3389").told()
    assert told.status == 3 and told.result is None
    assert "no-such-host.example" in told.complaint and len(told.complaint.strip().splitlines()) == 1


def test_a_jump_host_with_a_changed_key_is_refused_in_one_sentence(lab: Lab) -> None:
    with another_jump_host(lab, {}, key="remote"), services.remote_desktop(lab), services.forwarded(lab, 3389, LOGGER, 3389):
        told, beside = site_half(lab, RDP, jump="other").told(), outside_half(lab, RDP).told()
    assert beside.causes == ["service-confirmed certain"]
    assert told.status == 3 and told.result is None
    assert len(told.complaint.strip().splitlines()) == 1 and "key" in told.complaint


def test_a_jump_host_that_dies_midway_is_one_sentence_and_undetermined(lab: Lab) -> None:
    with services.remote_desktop(lab), another_jump_host(lab, {}):
        half = site_half(lab, RDP, jump="other")  # silence: it waits for five seconds
        jump = lab["jump"]
        assert jump.within(lambda: jump.await_true(_connected_to_ssh, lambda: True))
        for process in [p for p in jump.processes if p.name == "sshd-other"]:
            _kill_tree(process.pid)
        told, beside = half.told(), outside_half(lab, RDP).told()
    assert beside.causes == ["forward-missing possible"]
    assert told.status == 3 and told.result is None, told.result
    assert len(told.complaint.strip().splitlines()) == 1


def _connected_to_ssh() -> bool:
    """A login to port 2200 is established, and a SYN goes on to the site."""
    lines = Path("/proc/thread-self/net/tcp").read_text().splitlines()[1:]
    states = [(fields[1].rpartition(":")[2], fields[2].rpartition(":")[2], fields[3]) for fields in (line.split() for line in lines)]
    syn = any(remote == f"{3389:04X}" and state == "02" for _, remote, state in states)
    return syn and any(own == f"{2200:04X}" and state == "01" for own, _, state in states)


def _kill_tree(pid: int) -> None:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    wanted = [pid]
    for one in wanted:
        wanted += children.get(one, [])
    for one in reversed(wanted):
        with suppress(ProcessLookupError):  # a session's child ends with its parent
            os.kill(one, signal.SIGKILL)


# ------------------------------------------------------------------------------------------------------------------- hairpin
@contextmanager
def hairpin(lab: Lab, to: str) -> Iterator[None]:
    """The router turns connections from the LAN to its own public address round."""
    turn = f"""chain inward {{ type nat hook prerouting priority -100
 ip daddr {WAN} tcp dport 3389 dnat to {to}:3389
 }}
 chain outward {{ type nat hook postrouting priority 90
 ip saddr 192.168.50.0/24 ip daddr {to} tcp dport 3389 masquerade
 }}"""
    with breaking.rules(lab, "router", turn):
        yield


def from_the_laptop(lab: Lab, *arguments: str) -> Half:
    return Half(lab, "laptop", ["confirm", *arguments, "--json"], technician(lab))


def router_tells(lab: Lab) -> Any:
    answer = natpmp.response(natpmp.OuterAddress(0, 1, WAN))
    return breaking.serving_at(lab, "router", "nat-pmp", natpmp.PORT, servers.udp_server(natpmp.PORT, lambda asked: answer))


def test_a_hairpin_test_is_never_taken_for_one_from_outside(lab: Lab) -> None:
    with services.remote_desktop(lab), hairpin(lab, LOGGER), router_tells(lab):
        told = from_the_laptop(lab, RDP).told()
    assert told.targets[0]["speaks"] == "rdp" and told.targets[0]["standing"] == "inside"
    assert told.causes == [] and told.status == 3


def test_a_hairpin_test_that_the_router_does_not_give_away_is_doubted(lab: Lab) -> None:
    with services.remote_desktop(lab), hairpin(lab, LOGGER):
        told = from_the_laptop(lab, RDP).told()
    assert told.targets[0]["standing"] == "unknown"
    assert told.causes == ["service-confirmed likely"] and "not known whether the test stood outside" in told.evidence


def test_a_token_that_came_by_hairpin_proves_that_it_did(lab: Lab) -> None:
    with listening(lab, 3389), hairpin(lab, LAPTOP):
        told = Half(lab, "logger", ["confirm", RDP, "--code", CODE, "--json"], technician(lab)).told()  # beside the listener, not on it
    assert told.targets[0]["token"] == "matched" and told.targets[0]["arrived"]["peer"].startswith("192.168.50.")
    assert told.targets[0]["standing"] == "inside" and told.causes == [] and told.status == 3


# ------------------------------------------------------------------------------------------------------------- who else gets in
def test_a_forward_that_the_router_lists_as_open_to_all_is_warned_of(lab: Lab) -> None:
    with services.remote_desktop(lab), plug_and_play(lab):
        lab.inside("logger", add_mapping, 3389, LOGGER)
        told = site_half(lab, RDP, "--inside", LOGGER).told()
    assert told.causes == ["exposed certain", "service-confirmed certain"]
    assert told.result["nat"]["forwards"][0]["inside_address"] == LOGGER and told.status == 0


def test_a_forward_listed_on_another_port_or_for_udp_alone_is_told(lab: Lab) -> None:
    with services.remote_desktop(lab), plug_and_play(lab):
        lab.inside("logger", add_mapping, 3389, LOGGER, "UDP")
        assert "for UDP alone" in site_half(lab, RDP, "--inside", LOGGER).told().evidence
    with services.remote_desktop(lab), plug_and_play(lab):
        lab.inside("logger", add_mapping, 53389, LOGGER)
        told = site_half(lab, RDP, "--inside", LOGGER).told()
    assert told.causes == ["forward-missing likely"] and "outside port 53389" in told.evidence


@contextmanager
def plug_and_play(lab: Lab) -> Iterator[None]:
    """The router's, without what an earlier test had it remember."""
    (lab["router"].home / "upnp.leases").unlink(missing_ok=True)
    with services.universal_plug_and_play(lab):
        yield


def add_mapping(outside: int, inside: str, protocol: str = "TCP") -> None:
    """What a logger might ask of its router; aetui itself never does."""
    arguments = {
        "NewRemoteHost": "", "NewExternalPort": str(outside), "NewProtocol": protocol, "NewInternalPort": "3389", "NewInternalClient": inside,
        "NewEnabled": "1", "NewPortMappingDescription": "rdp", "NewLeaseDuration": "0",
    }  # fmt: skip
    service = upnp.SERVICES[1]
    location = upnp.Location(GATEWAY, 5000, "/ctl/IPConn")
    body = upnp.call(service, "AddPortMapping", arguments)
    with socket.create_connection((GATEWAY, 5000), timeout=5) as sock:
        sock.sendall(upnp.request(location, "AddPortMapping", body, service))
        answer = b""
        while piece := sock.recv(4096):
            answer += piece
    assert b" 200 " in answer.split(b"\r\n", 1)[0], answer


def test_where_every_vantage_gets_in_that_is_warned_of_and_where_one_does_not_it_is_not(lab: Lab) -> None:
    keys = lab["cloud"].home / "remote-sshd.authorized_keys"
    keys.write_bytes((lab.home / "ssh_user.pub").read_bytes())
    home = Path(technician(lab)) / ".ssh"
    host = " ".join((lab.home / "ssh_remote.pub").read_text().split()[:2])
    with (home / "known_hosts").open("a") as known:
        known.write(f"[{topology.REMOTE_ACCESS}]:2022 {host}\n")
    with (home / "config").open("a") as config:
        config.write(f"Host second\n  HostName {topology.REMOTE_ACCESS}\n  Port 2022\n  User tech\n  IdentityFile {lab.home}/ssh_user\n")
    with services.remote_desktop(lab):
        with services.forwarded(lab, 3389, LOGGER, 3389):
            assert site_half(lab, RDP, "--from", "jump:second").told().causes == ["exposed likely", "service-confirmed certain"]
        with services.forwarded(lab, 3389, LOGGER, 3389, sources=f"{topology.JUMP}/32"):
            told = site_half(lab, RDP, "--from", "jump:second").told()
    assert told.causes == ["service-confirmed certain", "forward-limited likely"] and told.status == 0
    assert "second" in told.evidence and "silence" in told.evidence


# ---------------------------------------------------------------------------------------------------------------- the listener
class Listening:
    """The real command, its JSON read line by line."""

    def __init__(self, lab: Lab, *arguments: str) -> None:
        argv = [sys.executable, "-m", "aetui", "listen", *arguments, "--json"]
        self.process = lab.popen("laptop", argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def line(self, event: str) -> Any:
        """The next line of that kind."""
        assert self.process.stdout is not None
        for raw in self.process.stdout:
            line = json.loads(raw)
            if line["event"] == event:
                return line
        raise AssertionError(f"it ended before {event}")

    def __enter__(self) -> Listening:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def test_the_listener_tells_strangers_from_the_outside_half_and_hangs_up_on_a_hangup(lab: Lab) -> None:
    with services.forwarded(lab, 3389, LAPTOP, 3389), Listening(lab, "3389", "--for", "1") as listener:
        code = listener.line("listening")["code"]
        assert listener.line("listening")["port"] == 3389  # IPv6 too
        lab.inside("cloud", _say, x224.request(cookie="support"))
        knock = listener.line("knock")
        assert (knock["speaks"], knock["evidence"]["cookie"], knock["token"]) == ("rdp", "support", "none")
        assert knock["peer"] not in (topology.JUMP, WAN)
        told = outside_half(lab, RDP, "--code", code).told()
        assert told.causes == ["forward-confirmed certain"]
        knock = listener.line("knock")
        assert (knock["speaks"], knock["token"], knock["peer"]) == ("aetui", "matched", topology.JUMP)
        listener.process.send_signal(signal.SIGHUP)
        assert listener.line("stopped") == {"event": "stopped", "reason": "hangup", "knocks": 2}
        assert listener.process.wait(20) == 0


def _say(words: bytes) -> bytes:
    with socket.create_connection((WAN, 3389), timeout=5) as sock:
        sock.sendall(words)
        return sock.recv(256)


def test_an_answer_that_gets_lost_is_told_by_the_listener(lab: Lab) -> None:
    lost = breaking.dropped(lab, 'oifname "wan" tcp sport 3389')
    with services.forwarded(lab, 3389, LAPTOP, 3389), lost, Listening(lab, "3389") as listener:
        code = listener.line("listening")["code"]
        told = outside_half(lab, RDP, "--code", code).told()
        assert listener.line("half-open") == {"event": "half-open", "peer": topology.JUMP, "port": 3389}
    assert told.causes == ["forward-unanswered possible"]


def test_an_allow_list_lets_the_outside_half_in_and_nobody_else(lab: Lab) -> None:
    with services.forwarded(lab, 3389, LAPTOP, 3389), Listening(lab, "3389", "--allow", topology.JUMP) as listener:
        code = listener.line("listening")["code"]
        assert lab.inside("cloud", _refused, x224.request()) == b""
        assert listener.line("knock")["refused"] == "not-allowed"
        assert outside_half(lab, RDP, "--code", code).told().causes == ["forward-confirmed certain"]


def _refused(words: bytes) -> bytes:
    try:
        return _say(words)
    except ConnectionError:
        return b""


def test_a_port_that_is_taken_is_told_with_its_holder(lab: Lab) -> None:
    with services.remote_desktop(lab, "laptop"), Listening(lab, "3389") as listener:
        line = listener.line("not-listening")
        assert (line["cause"], line["port"]) == ("port-in-use", 3389)
        assert "xrdp" in line["diagnosis"]["summary"]
        assert listener.process.wait(20) == 1


def test_a_real_telnet_client_is_taken_leave_of(lab: Lab) -> None:
    with Listening(lab, "23") as listener, services.forwarded(lab, 23, LAPTOP, 23):
        listener.line("listening")
        client = lab.popen("jump", ["telnet", WAN, "23"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        with client:  # its standard input stays open until it has ended by itself
            assert client.stdout is not None
            said = client.stdout.read().decode()
        knock = listener.line("knock")
    assert (knock["speaks"], knock["peer"]) == ("telnet", topology.JUMP)
    assert telnet.FAREWELL in said and "closed by foreign host" in said


@pytest.mark.skipif(not (os.environ.get("CI") or (shutil.which("xfreerdp") and shutil.which("Xvfb"))), reason="needs xfreerdp and Xvfb")
def test_a_real_remote_desktop_client_gets_a_correct_end_and_is_known_by_its_cookie(lab: Lab) -> None:
    with Listening(lab, "3389") as listener, _screen(lab) as display, services.forwarded(lab, 3389, LAPTOP, 3389):
        listener.line("listening")
        client = ["xfreerdp", f"/v:{WAN}", "/u:anna", "/p:none", "/cert:ignore"]
        done = lab.run("jump", client, {"DISPLAY": display, "HOME": str(lab["jump"].home)}, timeout=40)
        knock = listener.line("knock")
    assert (knock["speaks"], knock["evidence"]["cookie"]) == ("rdp", "anna")
    assert "SSL_CERT_NOT_ON_SERVER" in done.stdout + done.stderr


@contextmanager
def _screen(lab: Lab) -> Iterator[str]:
    reader, writer = os.pipe()
    argv = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "640x480x24", "-nolisten", "tcp"]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(argv, pass_fds=[writer], stdin=quiet, stdout=quiet, stderr=quiet)
    os.close(writer)
    try:
        with os.fdopen(reader, "rb") as pipe:
            number = pipe.readline().decode().strip()
        assert re.fullmatch(r"\d+", number)
        yield f":{number}"
    finally:
        process.terminate()
        process.wait()


def test_garbage_from_outside_does_not_stop_it(lab: Lab) -> None:
    with services.forwarded(lab, 3389, LAPTOP, 3389), Listening(lab, "3389") as listener:
        code = listener.line("listening")["code"]
        lab.inside("cloud", _noise)
        assert outside_half(lab, RDP, "--code", code).told().causes == ["forward-confirmed certain"]


def _noise() -> None:
    for size in range(1, 60):
        for words in (os.urandom(size), token.HELLO_MAGIC + os.urandom(size), x224.request()[: size % 19]):
            with socket.create_connection((WAN, 3389), timeout=5) as sock:
                sock.sendall(words)


# --------------------------------------------------------------------------------------------------------- finding the address
def test_the_jump_host_tells_the_address_that_is_to_be_knocked_at(lab: Lab) -> None:
    with services.remote_desktop(lab), services.forwarded(lab, 3389, LOGGER, 3389):
        told = site_half(lab).told()
    assert {target["address"] for target in told.targets} == {WAN}
    assert told.causes == ["forward-missing possible", "service-confirmed certain"]  # telnet is not forwarded
    assert f"sees this site as {WAN}" in told.complaint


def test_behind_a_second_router_it_is_the_second_s_address(lab: Lab) -> None:
    with services.behind_another_nat(lab):
        told = site_half(lab, "--map", "53389:3389").told()
    assert [target["address"] for target in told.targets] == [services.SECOND_NAT]
