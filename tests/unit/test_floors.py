"""The floors hold in a fresh interpreter: the engine drags in no terminal, no scapy, no paramiko; help drags in next to nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

ENGINE = (
    "records", "observations", "events", "state", "display", "strict", "catalogue", "causes", "explain", "describe", "plan", "session", "prepare",
    "probes", "wire", "vantage", "vantage.base", "vantage.local", "vantage.demo", "diagnosis", "inbound", "path", "guide", "entries", "store", "report",
    "report.json", "report.text", "demo", "packet", "cli", "cli.main", "cli.check",
)  # fmt: skip
HEAVY = ("textual", "rich", "scapy", "paramiko")


def loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(' '.join(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.splitlines()[-1].split())


def test_the_engine_loads_no_terminal_no_scapy_and_no_paramiko() -> None:
    statement = "\n".join(f"import aetui.{name}" for name in ENGINE)
    assert not loaded_after(statement) & set(HEAVY)


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_loads_neither_engine_nor_libraries(argument: str) -> None:
    statement = (
        f"import contextlib, io\nfrom aetui.cli.main import main\nwith contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        f"    main(['{argument}'])"
    )
    assert not loaded_after(statement) & {*HEAVY, "dns", "OpenSSL", "cryptography", "psutil", "asyncio", "ssl"}


def test_probes_bring_their_libraries_only_when_they_run() -> None:
    assert not loaded_after("import aetui.probes, aetui.session") & {"dns", "OpenSSL", "cryptography", "psutil"}
