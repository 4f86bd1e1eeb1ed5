"""What earlier sessions saw from this machine: for a trace that wants a port that works to the same host, or its network."""

from __future__ import annotations

from collections.abc import Sequence

from aetui.observations import Outcome, TcpSeen

LATEST = 20
"""Sessions that are looked through, the newest first."""


def connects(address: str) -> Sequence[TcpSeen]:
    """Every connect of the newest session that saw a port open at this address or near it; none where the history cannot be read."""
    from aetui.path.compare import choose
    from aetui.store import StoreError, opened

    try:
        with opened() as history:
            local = (one for one in history.sessions(limit=LATEST) if one.vantage.kind == "local" and one.checks)
            for session in local:
                results = history.open(session.id).state.results.values()
                found = tuple(one.observation for one in results if isinstance(one.observation, TcpSeen))
                if choose((one for one in found if one.outcome is Outcome.OPEN), address, None) is not None:
                    return found
    except StoreError:
        pass
    return ()
