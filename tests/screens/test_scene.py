"""What the rows are called: each says what it is about, wherever it stands."""

from __future__ import annotations

import pytest

from aetui.records import Check
from aetui.screens.scene import Scene
from aetui.state import NOTHING_YET, State

HOST = "streamer.alsoenergy.com"


def of(identity: str, kind: str, host: str | None = HOST, port: int | None = None, **about: str) -> Check:
    return Check(identity, kind, host, port, about=about)


NAMES = [
    (of("beyond", "series", None, purpose="beyond"), "Beyond the gateway, no name needed", "Beyond the gateway, no name needed"),
    (of("link", "link", None), "This computer's network", "This computer's network"),
    (of("canary:10.0.0.1:com", "dns", "x1-no-such-name.com", purpose="canary", resolver="10.0.0.1"), *["Made-up com name, to 10.0.0.1"] * 2),
    (of("canary:10.0.0.1:own", "dns", "x1.alsoenergy.com", purpose="canary", resolver="10.0.0.1"), *["Made-up alsoenergy.com name, to 10.0.0.1"] * 2),
    (of("opinion:9.9.9.9:h", "dns", purpose="opinion", resolver="9.9.9.9"), *[f"{HOST}, asked of 9.9.9.9"] * 2),
    (of("ttl:h:443", "series", port=443, purpose="ttl"), *[f"Distance of {HOST} 443"] * 2),
    (of("mss:h:443", "series", port=443, purpose="mss"), *[f"Packet sizes to {HOST} 443"] * 2),
    (of("loss:h:443", "series", port=443, purpose="loss"), *[f"Losses on the way to {HOST} 443"] * 2),
    (of("tls:h:443:sni", "tls", port=443), *[f"TLS 443 of {HOST}"] * 2),
    (Check("tcp:h:443", "tcp", HOST, 443, equipment=("pm2000",)), "TCP 443", f"TCP 443 of {HOST}"),
    (Check("tcp:h:443:ipv6", "tcp", HOST, 443, equipment=("pm2000",)), "TCP 443 IPv6", f"TCP 443 IPv6 of {HOST}"),
    (of("tcp:h:1", "tcp", "{port}", 1), "TCP 1 of {port}", "TCP 1 of {port}"),
]


@pytest.mark.parametrize(("check", "name", "full"), NAMES, ids=[row[0].id for row in NAMES])
def test_a_row_that_stands_under_no_host_names_the_one_that_it_is_about(check: Check, name: str, full: str) -> None:
    scene = Scene(State(checks={check.id: check}), NOTHING_YET)
    assert (scene.name(check.id), scene.full_name(check.id)) == (name, full)
