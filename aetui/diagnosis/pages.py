"""What gives an inspecting product, a block page or a login page away: matched against assets/products.toml. Pure; the file is read once.

Nothing here decides alone that a page is foreign: fragments of text are evidence, and the rules want more of it (several hosts alike, a certificate
that does not hold). The exceptions speak for themselves: status 511 (RFC 6585 section 6), and a redirect into the private address space.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from ipaddress import ip_address
from urllib.parse import urlsplit

from aetui.observations import HttpSeen
from aetui.strict import Table, parse_toml

NETWORK_AUTHENTICATION_REQUIRED = 511
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Product:
    """A product and the fragments that give it away."""

    name: str
    issuer: tuple[str, ...]
    page: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signs:
    """The whole file."""

    products: tuple[Product, ...]
    blocked: tuple[str, ...]
    login: tuple[str, ...]
    login_target: tuple[str, ...]


@cache
def signs() -> Signs:
    """The shipped signs. Raises DataError where the file is wrong."""
    table = parse_toml(files("aetui.assets").joinpath("products.toml").read_bytes(), "products.toml")
    products = tuple(_product(entry) for entry in table.tables("product"))
    blocked, login = table.table("blocked"), table.table("login")
    found = Signs(products, blocked.texts("page"), login.texts("page"), login.texts("target"))
    for part in (blocked, login, table):
        part.done()
    return found


def _product(table: Table) -> Product:
    product = Product(table.text("name"), table.texts("issuer"), table.texts("page"))
    table.done()
    return product


def issuer_product(issuer: str) -> str | None:
    """The inspection product that a certificate's issuer names."""
    text = issuer.lower()
    return next((p.name for p in signs().products if any(sign in text for sign in p.issuer)), None)


def _text(seen: HttpSeen) -> str:
    heads = " ".join(f"{name}: {value}" for name, value in seen.headers)
    return f"{heads} {seen.body.decode('utf-8', 'replace')}".lower()


def product_page(seen: HttpSeen) -> str | None:
    """The product that made a page which refuses; None for any other page. A page that was served as asked (2xx) must also say that it blocks."""
    text = _text(seen)
    says_so = any(sign in text for sign in signs().blocked)
    if not says_so and (seen.status is None or seen.status not in {403, 451, 503}) and seen.header("x-squid-error") is None:
        return None
    return next((p.name for p in signs().products if any(sign in text for sign in p.page)), None)


def says_blocked(seen: HttpSeen) -> bool:
    """True for a page that says in so many words that the request was blocked."""
    text = _text(seen)
    return any(sign in text for sign in signs().blocked)


def asks_login(seen: HttpSeen) -> bool:
    """True for a page, or a redirect, with the words or the form of a network login."""
    body = seen.body.decode("utf-8", "replace").lower()
    target = (seen.location or "").lower()
    words = any(sign in body for sign in signs().login)
    form = 'type="password"' in body or "type='password'" in body or "type=password" in body
    return words or form or any(sign in target for sign in signs().login_target)


def target_host(seen: HttpSeen) -> str | None:
    """The host that a redirect leads to; None where there is no redirect, or one without a host."""
    if seen.status not in REDIRECTS or not seen.location:
        return None
    try:
        return urlsplit(seen.location).hostname
    except ValueError:
        return None


def family(host: str) -> str:
    """The last two labels of a name: near enough to who owns it for comparing a host with where it redirects to."""
    return ".".join(host.rstrip(".").lower().split(".")[-2:])


def leads_away(host: str, seen: HttpSeen) -> str | None:
    """The host of a redirect that leaves the owner's names; None for any other answer."""
    target = target_host(seen)
    return target if target is not None and family(target) != family(host) else None


def is_private(host: str) -> bool:
    """True for a literal address that is not public."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return False


def login_page(host: str, seen: HttpSeen) -> bool:
    """True where one answer alone proves a portal: it says so by its status, or sends a public host's visitor into a private network."""
    if seen.status == NETWORK_AUTHENTICATION_REQUIRED:
        return True
    target = leads_away(host, seen)
    return target is not None and is_private(target) and not is_private(host)
