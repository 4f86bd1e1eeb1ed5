"""Proxy settings of this machine's environment: seen and reported, used by no probe, their credentials taken out."""

from __future__ import annotations

import re

USER_INFO = re.compile(r"^(\s*[a-z][a-z0-9+.-]*://)?.*@", re.IGNORECASE | re.DOTALL)
"""RFC 3986 section 3.2.1, but up to the last @ of all: people write passwords with / and @ in them, and none of it may show."""


def without_credentials(value: str) -> str:
    """A proxy's URL without its user and password."""
    return USER_INFO.sub(r"\1", value)


def configured() -> tuple[tuple[str, str], ...]:
    """Scheme and proxy by name, ``no`` for the exceptions; on Windows and macOS the system's settings where the environment has none."""
    from urllib.request import getproxies

    return tuple(sorted((name, without_credentials(value)) for name, value in getproxies().items() if value))
