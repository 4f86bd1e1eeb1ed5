"""Every fault of the tables shows the raw symptoms that it claims, spares what it must spare, and leaves a healthy lab behind."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.fault import Fault
from lab.faults import BY_NAME, CALM, FAULTS, PAIRS
from lab.network import Lab
from lab.symptoms import see

HEALTHY = {
    "dns www.alsoenergy.com": "NOERROR 204.232.231.197",
    "tls www.alsoenergy.com": "trusted by Lab Public Server CA 2",
    "http maki.alsoenergy.com": "200 maki.alsoenergy.com",
    "ntp time.nist.gov": "stratum 2",
    "ftp pasv smaftpdm.alsoenergy.com": "1 file",
}
"""What must hold again after every fault."""


def ask_all(questions: list[str], env: Mapping[str, str]) -> dict[str, str]:
    os.environ.update(env)
    with ThreadPoolExecutor(max(1, len(questions))) as pool:
        return dict(zip(questions, pool.map(see, questions), strict=True))


@pytest.mark.parametrize("fault", [*FAULTS, *PAIRS, *CALM], ids=lambda fault: fault.name)
def test_a_fault_shows_what_it_claims_and_undoes_itself(lab: Lab, fault: Fault) -> None:
    claimed = {**fault.shows, **fault.spares}
    with fault.on(lab) as env:
        loggers_roots = {**env, "SSL_CERT_FILE": str(lab.roots)}
        assert lab.inside("laptop", ask_all, list(claimed), loggers_roots) == claimed
    assert lab.inside("laptop", ask_all, list(HEALTHY), {}) == HEALTHY, f"{fault.name} did not undo itself"


def test_every_fault_has_its_own_name_and_claims_something() -> None:
    assert len(BY_NAME) == len(FAULTS) + len(CALM)
    assert len(FAULTS) >= 60
    assert [f.name for f in (*FAULTS, *PAIRS) if not f.shows and f.name != "dns-none"] == []


def test_a_fault_undoes_itself_when_the_test_inside_it_fails(lab: Lab) -> None:
    with pytest.raises(ZeroDivisionError), BY_NAME["drop-everything"].on(lab):
        divmod(1, 0)
    assert lab.inside("laptop", ask_all, list(HEALTHY), {}) == HEALTHY


def test_this_machines_own_store_trusts_an_inspecting_firewall_where_the_fault_says_so(lab: Lab) -> None:
    with BY_NAME["tls-intercepted-trusted-customer"].on(lab) as env:
        assert lab.inside("laptop", ask_all, ["tls www.alsoenergy.com"], env) == {
            "tls www.alsoenergy.com": "trusted by GVSD Decryption CA 01"
        }
