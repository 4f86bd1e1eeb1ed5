"""The lab is what it says: services answer plain clients, nothing else answers, and nothing is left behind."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from lab import topology
from lab.network import Lab
from lab.symptoms import see

HEALTHY = {
    "dns www.alsoenergy.com": "NOERROR 204.232.231.197",
    "dns www.alsoenergy.com 9.9.9.9": "NOERROR 204.232.231.197",
    "dns-tcp maki.alsoenergy.com": "NOERROR 146.20.187.118",
    "dns-tcp maki.alsoenergy.com 9.9.9.9": "NOERROR 146.20.187.118",
    "dns secure.logmeinrescue.com": f"NOERROR {topology.SUPPORT}",
    "dns no-such-name-4711.alsoenergy.com": "NXDOMAIN",
    "dns no-such-name-4711.com": "NXDOMAIN",
    "http www.alsoenergy.com": "301 https://www.alsoenergy.com/ 301 Moved Permanently",
    "http maki.alsoenergy.com": "200 maki.alsoenergy.com",
    "https streamer.alsoenergy.com": "200 streamer.alsoenergy.com",
    "tls www.alsoenergy.com": "trusted by Lab Public Server CA 2",
    "tls buildingmanageronline.com": "trusted by Lab Public Server CA 2",
    "tls ra.buildingmanageronline.com": "trusted by Lab Public Server CA 2",
    "tls code.jquery.com": "trusted by Lab Public Server CA 2",
    "tls fonts.gstatic.com": "trusted by Lab Public Server CA 2",
    "tls secure.logmeinrescue.com": "trusted by Lab Public Server CA 2",
    "tls 172.245.215.161": "trusted by Lab Public Server CA 2",
    "tls 216.246.49.51": "trusted by Lab Public Server CA 2",
    "ntp time.windows.com": "stratum 2",
    "ntp time.nist.gov": "stratum 2",
    "ntp 216.246.49.51": "stratum 2",
    "ftp pasv smaftpdm.alsoenergy.com": "1 file",
    "ftp epsv ptsmaftp.alsoenergy.com": "1 file",
    "ssh ra.buildingmanageronline.com:2022": "SSH-2.0-OpenSSH",
    f"ssh {topology.JUMP}:22": "SSH-2.0-OpenSSH",
    "tcp 204.232.231.197:2022": "reset",
    "tcp 20.101.57.9:443": "reset",
    "tcp 172.245.215.163:443": "silent",
    "tcp 192.168.50.1:80": "reset",
    "at-ttl 1 204.232.231.197:443": "icmp 11/0 from 192.168.50.1",
    "at-ttl 2 204.232.231.197:443": "icmp 11/0 from 73.15.200.1",
    "at-ttl 3 204.232.231.197:443": "icmp 11/0 from 203.0.113.6",
    "at-ttl 4 204.232.231.197:443": "open",
}


@pytest.mark.parametrize(("question", "answer"), HEALTHY.items(), ids=HEALTHY)
def test_a_healthy_lab_answers_plain_clients(lab: Lab, question: str, answer: str) -> None:
    assert lab.inside("laptop", see, question) == answer


def test_the_jump_host_resolves_and_forwards_for_its_user(lab: Lab) -> None:
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
    done = lab.run("laptop", ["ssh", *options, "-W", "ra.buildingmanageronline.com:2022", f"tech@{topology.JUMP}"], input="", timeout=20)
    assert done.stdout.startswith("SSH-2.0-OpenSSH"), done.stderr


def test_the_certificate_flight_is_longer_than_one_segment(lab: Lab) -> None:
    script = "openssl s_client -connect 204.232.231.197:443 -servername www.alsoenergy.com </dev/null 2>/dev/null | grep 'has read'"
    read = lab.run("laptop", ["sh", "-c", script]).stdout
    assert int(read.split()[4]) > 2 * 1460, read


def test_the_site_is_hidden_behind_its_router(lab: Lab) -> None:
    assert lab.inside("jump", see, f"tcp {topology.WAN}:53") == "silent"
    assert lab.inside("jump", see, f"tcp {topology.LAPTOP}:22") != "open"


def test_a_function_inside_gives_its_result_and_its_exception(lab: Lab) -> None:
    assert lab.inside("laptop", os.listdir, "/sys/class/net") != []
    with pytest.raises(ZeroDivisionError):
        lab.inside("laptop", divmod, 1, 0)


def test_each_node_has_its_own_resolvers(lab: Lab) -> None:
    assert lab.inside("laptop", Path("/etc/resolv.conf").read_text) == f"nameserver {topology.GATEWAY}\n"
    assert topology.SECOND_RESOLVER in lab.run("jump", ["cat", "/etc/resolv.conf"]).stdout


def test_two_labs_stand_side_by_side_and_leave_nothing(surroundings: None) -> None:
    def traces() -> tuple[set[str], set[str], set[str]]:
        names, homes = ({p.name for p in Path(where).iterdir()} for where in ("/run/netns", "/run/lab"))
        return names, homes, {p.name for p in Path("/proc").iterdir() if p.name.isdigit()}

    names, homes, processes = traces()
    with Lab() as one, Lab() as other:
        assert one.inside("laptop", see, "dns www.alsoenergy.com") == other.inside("laptop", see, "dns www.alsoenergy.com")
    after_names, after_homes, after_processes = traces()
    labels = (one.label, other.label)
    assert not [name for name in after_names - names if name.startswith(labels)]
    assert not [name for name in after_homes - homes if name.startswith(labels)]
    assert not [pid for pid in after_processes - processes if _mentions(pid, labels)]


def _mentions(pid: str, labels: tuple[str, ...]) -> bool:
    try:
        return any(label in Path("/proc", pid, "cmdline").read_text() for label in labels)
    except OSError:
        return False


def test_a_trace_through_thirty_routers_names_each(surroundings: None) -> None:
    with Lab(hops=30) as long:
        hops = long.shape.hop_addresses()
        seen = [long.inside("laptop", see, f"at-ttl {ttl} 204.232.231.197:443") for ttl in range(1, len(hops) + 2)]
    assert seen == [*(f"icmp 11/0 from {hop}" for hop in hops), "open"]


def test_a_site_with_ipv6_reaches_the_cloud_over_it(surroundings: None) -> None:
    with Lab(ipv6=True) as both:
        fetched = both.run(
            "laptop",
            [
                "curl",
                "-sS",
                "-6",
                "--cacert",
                str(both.roots),
                "-o",
                "/dev/null",
                "-w",
                "%{http_code} %{remote_ip}",
                "https://www.alsoenergy.com/",
            ],
        )
    assert fetched.stdout == f"200 {topology.IPV6_HOSTS['www.alsoenergy.com']}", fetched.stderr


def test_everything_ends_with_the_process_that_entered(surroundings: None) -> None:
    script = "import time; from lab.network import Lab; Lab().__enter__(); print('up', flush=True); time.sleep(600)"
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.lab.enter", sys.executable, "-c", script],
        cwd=root, env={**os.environ, "PYTHONPATH": str(root / "tests")}, stdout=subprocess.PIPE,
    ) as entered:  # fmt: skip
        assert entered.stdout is not None
        assert entered.stdout.readline() == b"up\n"
        inner = [os.pidfd_open(int(pid)) for pid in _processes() if _space(pid) not in {_space("self"), ""}]
        assert len(inner) > 8
        entered.kill()
        entered.wait()
        for process in inner:
            assert select.select([process], [], [], 10)[0], "a process outlived the one that entered"
            os.close(process)


def _processes() -> list[str]:
    return [p.name for p in Path("/proc").iterdir() if p.name.isdigit()]


def _space(pid: str) -> str:
    try:
        return str(Path("/proc", pid, "ns/pid").readlink())
    except OSError:
        return ""
