"""The vantage of a jump host: every TCP connect is a ``direct-tcpip`` channel there, with nothing installed (RFC 4254 section 7.2).

``JumpVantage(name)`` takes a Host of the ssh configuration or ``user@host[:port]``. TCP only: no datagrams, no ICMP, no segment shaping.
Names go over TCP through ``connect``; ``resolvers`` are the jump host's own where it lets a command run, and ``info.missing`` says where
not. Any trouble with the jump host itself is ``JumpLost``, with one sentence. paramiko is loaded in ``open``.

After a connect that got no answer in time the connection to the last hop is replaced in the background, and discarded when its other
channels are done: that also frees the jump host of connects that nobody waits for. It is kept where the user would have to be asked
again, and after REPLACEMENTS times; that is safe, since a late answer is closed as it comes (``link``).
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aetui.observations import Outcome, TcpSeen
from aetui.records import VantageInfo
from aetui.vantage import remote
from aetui.vantage.asker import Asker, NoAsker
from aetui.vantage.base import Connection
from aetui.vantage.channelstream import ChannelStream
from aetui.vantage.overssh import OverSsh
from aetui.vantage.reason import OpenRefused, outcome
from aetui.vantage.sshconfig import HostSettings, SshConfig
from aetui.vantage.sshfile import ConfigFault
from aetui.vantage.trouble import JumpCode, JumpLost, detail, lost

if TYPE_CHECKING:
    from aetui.vantage.hop import Closable, Opener
    from aetui.vantage.link import Link

OPENS_AT_ONCE = 64
"""Connects that wait for the jump host's answer at one time; sshd itself sets no limit to direct-tcpip."""
REPLACEMENTS = 8
"""Times that the last hop's connection is replaced in one vantage's life."""
REPLACE_S = 20.0
"""Seconds for a replacement to be ready."""
ABOUT_S = 5.0
"""Seconds that opening waits for what the jump host tells of itself."""


class JumpVantage(OverSsh):
    """A jump host, reached over one or more hops."""

    def __init__(self, name: str, asker: Asker | None = None, config: SshConfig | None = None) -> None:
        self.name = name
        self._asker = asker or NoAsker()
        self._config = config or SshConfig()
        self._chain: tuple[HostSettings, ...] = ()
        self._links: list[Link] = []
        self._under: list[Closable] = []
        self._opener: Opener | None = None
        self._about = remote.About()
        self._info = VantageInfo("jump", name)
        self._slots = asyncio.Semaphore(OPENS_AT_ONCE)
        self._replaced = 0
        self._replacing: asyncio.Task[None] | None = None
        self._retired: dict[Link, Closable | None] = {}
        self._discarding: set[asyncio.Task[None]] = set()

    async def open(self, deadline: float) -> None:
        """Connect to every hop in turn and log in. Raises JumpLost."""
        from aetui.vantage.hop import Opener

        try:
            self._chain = self._config.chain(self.name)
        except ConfigFault as fault:
            raise lost(JumpCode.CONFIG, self.name, detail=fault) from None
        self._opener = Opener(self._asker)
        try:
            await self._learn(await self._open_all(deadline))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """As base.Vantage."""
        if self._replacing is not None:
            self._replacing.cancel()
            await asyncio.wait([self._replacing])  # not the task itself: its end would look like the caller's own
        for link in tuple(self._retired):
            self._discard(link)
        await asyncio.gather(*self._discarding)
        while self._links:
            await self._links.pop().close()
        while self._under:
            await self._under.pop().close()

    async def run(self, argv: Sequence[str], deadline: float) -> tuple[int, bytes] | None:
        """Exit status and standard output (64 KiB at most) of a command on the jump host; None where it runs none, or not in time."""
        return await remote.run(self._last(), shlex.join(argv), deadline)

    async def client_address(self) -> str | None:
        """Our own address as the first hop sees it: the site's public one where that hop is outside. None where that is not told. Raises
        JumpLost where the line to the jump host is known to have dropped."""
        self.check()
        if self._chain[0].proxy_command:
            return None
        if len(self._links) == 1:
            return self._about.client
        seen = await remote.about(self._links[0], asyncio.get_running_loop().time() + ABOUT_S)
        return seen.client if seen else None

    def check(self) -> None:
        """Raise JumpLost where the jump host is gone."""
        self._last()

    def _last(self) -> Link:
        if not self._links:
            raise lost(JumpCode.CLOSED, self.name)
        self._links[-1].check()
        return self._links[-1]

    async def _open_all(self, deadline: float) -> float:
        """Every hop in turn. Gives the deadline, which is later by the time that the user took."""
        from aetui.vantage.hop import Clock

        assert self._opener is not None
        at = self._chain[0]
        try:
            async with asyncio.timeout_at(deadline) as limit:
                clock = Clock(limit)
                for at in self._chain:
                    link, under = await self._opener.open(at, self._links[-1] if self._links else None, clock)
                    self._links.append(link)
                    self._under += [under] if under else []
                return clock.deadline
        except TimeoutError:
            raise lost(JumpCode.DEADLINE, at.name, detail=detail(self._opener.stage)) from None

    async def _learn(self, deadline: float) -> None:
        """What the jump host tells of itself; nothing here is needed, so nothing here fails the opening but its loss."""
        loop = asyncio.get_running_loop()
        link = self._last()
        link.nudge()
        seen = await remote.about(link, min(max(deadline, loop.time() + 1.0), loop.time() + ABOUT_S))
        self._about = seen or remote.About()
        self._info = remote.told(self._info, self._about)

    async def _connect(self, address: str, port: int, deadline: float) -> Connection:
        loop, link = asyncio.get_running_loop(), self._last()
        began = loop.time()
        opened = await link.open("direct-tcpip", deadline, (address, port))
        if opened is None:
            self._retire(link)
            return Connection(TcpSeen(address, port, Outcome.FILTERED), None)
        if isinstance(opened, OpenRefused):
            means, errno = outcome(opened, 1000 * (loop.time() - began), 1000 * link.round_trip_s)
            return Connection(TcpSeen(address, port, means, errno, reason=opened.words), None)
        return Connection(TcpSeen(address, port, Outcome.OPEN), ChannelStream(opened, link))

    def _retire(self, link: Link) -> None:
        """Put another connection in this one's place, unless that is under way, too much, or would trouble the user."""
        under_way = self._replacing is not None and not self._replacing.done()
        if link is not self._links[-1] or link.asked or under_way or self._replaced >= REPLACEMENTS:
            return
        self._replaced += 1
        self._replacing = asyncio.create_task(self._replace(link))

    async def _replace(self, old: Link) -> None:
        from aetui.vantage.hop import Clock

        assert self._opener is not None
        try:
            async with asyncio.timeout(REPLACE_S) as limit:
                new, under = await self._opener.open(self._chain[-1], old.via, Clock(limit))
        except (JumpLost, TimeoutError):  # the old one still works, and says so itself when it does not
            self._replaced = REPLACEMENTS
            return
        self._links[-1] = new
        self._retired[old] = self._under.pop() if under is not None else None
        self._under += [under] if under else []
        old.on_idle = lambda: self._discard(old)
        if old.idle:
            self._discard(old)

    def _discard(self, old: Link) -> None:
        under = self._retired.pop(old, None)
        old.on_idle = lambda: None

        async def end() -> None:
            await old.close()
            if under is not None:
                await under.close()

        task = asyncio.create_task(end())
        self._discarding.add(task)
        task.add_done_callback(self._discarding.discard)
