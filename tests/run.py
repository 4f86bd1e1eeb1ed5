"""Every check and every test, on a machine that has nothing but Python 3.11: ``python3 tests/run.py``.

Installs what is missing (Debian packages as root; Python packages into ``.venv``), then runs the linters, the type checker, the floors'
contracts, the tests, and the lab's tests inside namespaces of its own. With ``CI=true`` a test that cannot be made here is a failure. The
last line counts the tests; the exit status is 0 only where everything passed. Arguments narrow it down: ``lint``, ``unit``, ``lab``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = Path(os.environ.get("AETUI_VENV") or ROOT / ".venv")
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")

DEBIAN = {
    "ip": "iproute2", "nft": "nftables", "dnsmasq": "dnsmasq-base", "nginx": "nginx-light", "vsftpd": "vsftpd", "chronyd": "chrony",
    "sshd": "openssh-server", "ssh": "openssh-client", "telnetd": "inetutils-telnetd", "xrdp": "xrdp", "miniupnpd": "miniupnpd",
    "nmap": "nmap", "mtr": "mtr-tiny", "traceroute": "traceroute", "tracepath": "iputils-tracepath", "unshare": "util-linux",
    "ssh-keygen": "openssh-client", "telnet": "inetutils-telnet", "xfreerdp": "freerdp2-x11", "Xvfb": "xvfb",
    "iptables": "iptables", "chromium": "chromium", "groff": "groff-base", "zsh": "zsh", "fish": "fish",
}  # fmt: skip
"""Programs that the lab's tests run, and the packages that bring them."""

NOT_OF_THIS_VANTAGE = "this vantage"
"""How the one reason to skip begins that holds in CI too: the contract suite asks a vantage for what it does not claim."""

PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def step(title: str, command: list[str], **environment: str) -> bool:
    """Run one step; True where it passed."""
    print(f"--- {title}", flush=True)
    status = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False).returncode
    if status:
        print(f"--- {title}: FAILED ({status})", flush=True)
    return status == 0


def debian() -> None:
    """The Debian packages that are missing, where we may install them; otherwise their names."""
    missing = sorted({package for program, package in DEBIAN.items() if shutil.which(program, path=PLACES) is None})
    if not missing:
        return
    if os.name != "posix" or os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"--- missing for the lab: {' '.join(missing)} (as root: apt-get install {' '.join(missing)})", flush=True)
        return
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    step("apt-get update", ["apt-get", "update", "-qq"], **quiet)
    step(f"apt-get install {' '.join(missing)}", ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], **quiet)


def python() -> bool:
    """The virtual environment with this package and what its tests need."""
    project = ROOT / "pyproject.toml"
    stamp = VENV / "aetui.stamp"
    if stamp.is_file() and stamp.read_bytes() == project.read_bytes():
        return True
    group = tomllib.loads(project.read_text())["dependency-groups"]["test"]
    done = (BIN / "python").exists() or step("virtual environment", [sys.executable, "-m", "venv", str(VENV)])
    done = done and step("packages", [str(BIN / "python"), "-m", "pip", "install", "-q", "-e", ".", *group])
    if done:
        stamp.write_bytes(project.read_bytes())
    return done


def lint() -> bool:
    """Style, types and floors; every one is run, whatever the others say."""
    tools = {
        "ruff": ["ruff", "check", "aetui", "screens", "assets", "tests"],
        "format": ["ruff", "format", "--check", "-q", "aetui", "screens"],
        "mypy": ["mypy"],
        "floors": ["lint-imports"],
    }
    return all([step(title, [str(BIN / command[0]), *command[1:]]) for title, command in tools.items()])  # noqa: C419


def tests(title: str, command: list[str], counts: dict[str, int]) -> bool:
    """One run of pytest; its counts are added up. In CI a test that is skipped for want of something is a failure."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.xml"
        passed = step(title, [*command, f"--junitxml={result}"])
        if result.is_file():
            for suite in ElementTree.parse(result).getroot().iter("testsuite"):
                failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
                skipped = int(suite.get("skipped", 0))
                counts["failed"] += failed
                counts["skipped"] += skipped
                counts["passed"] += int(suite.get("tests", 0)) - failed - skipped
                for case in suite.iter("testcase") if os.environ.get("CI") == "true" else ():
                    why = case.find("skipped")
                    if why is not None and NOT_OF_THIS_VANTAGE not in (why.get("message") or ""):
                        print(f"--- in CI a skipped test is a failure: {case.get('name')}: {why.get('message')}", flush=True)
                        passed = False
        return passed


def main(wanted: list[str]) -> int:
    """Everything, or what was asked for."""
    everything = not wanted
    if wanted != ["lint"]:
        debian()
    if not python():
        return 1
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    fine = True
    if everything or "lint" in wanted:
        fine = lint() and fine
    if everything or "unit" in wanted:
        quick = ["-q", "--ignore=tests/lab", "-n", "4", "--dist", "worksteal"]
        fine = tests("tests", [str(BIN / "python"), "-m", "pytest", *quick], counts) and fine
    if everything or "lab" in wanted:
        inside = [str(BIN / "python"), "-m", "tests.lab.enter", str(BIN / "python"), "-m", "pytest"]
        fine = tests("lab", [*inside, "-q", "-n", "4", "--dist", "worksteal", "tests/lab"], counts) and fine
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped", flush=True)
    return 0 if fine and (counts["passed"] or wanted == ["lint"]) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
