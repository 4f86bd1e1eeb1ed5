"""What the keys of the Inbound tab do: orders to its two halves, and the pages that are filled in before them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aetui.screens.frame import TabScreen
from aetui.screens.learnt import By, Public, here
from aetui.screens.widgets.rows import Rows

if TYPE_CHECKING:
    from aetui.screens.inbound_hosts import Tried
    from aetui.screens.inbound_outside import Question, Way
    from aetui.screens.inbound_site import Settings, Site
    from aetui.screens.inbound_view import View


class Desk(TabScreen):
    """What both halves' keys work on."""

    def __init__(self) -> None:
        super().__init__()
        self.view: View | None = None
        self.tried: dict[str, Tried] = {}
        """What came of trying jump hosts."""
        self.asked: Question | None = None
        """What was typed of address, ports and logger, for the next question through a jump host."""
        self.opened_for: str | None = None
        """The demo site that everything here is of; None outside of the demo."""

    @property
    def demo(self) -> str | None:
        """The demo's scenario."""
        return self.console.launch.demo

    def told(self) -> str | None:
        """The site's public address as another tab has learnt it."""
        known = self.console.learnt.public(here(self.demo))
        return known.address if known is not None else None

    def share(self, address: str, host: str) -> None:
        """A jump host has just seen us at an address: the other tabs know it too."""
        self.console.learnt.tell(here(self.demo), Public(address, By.OUTSIDE, host))


class SiteKeys(Desk):
    """Keys of the on-site half."""

    def action_listen(self) -> None:
        """Open the ports."""
        if self.view is not None:
            self.query_one(Rows).forget()
            self.run_worker(self.view.site.open(self.demo), exit_on_error=True)

    def action_shut(self) -> None:
        """Close them."""
        if self.view is not None:
            self.view.site.close()

    def action_instead(self) -> None:
        """Open the high port that is offered for a low one."""
        found = self.view.forbidden(self.query_one(Rows).key) if self.view is not None else None
        if self.view is None or found is None:
            return
        port, missing = found
        site = self.view.site
        if site.is_open:
            self.run_worker(site.add(missing.instead, stands_for=port.wanted), exit_on_error=True)
        else:
            self.run_worker(site.open_instead(port.wanted, missing.instead), exit_on_error=True)

    def action_forget(self) -> None:
        """Empty the list of knocks."""
        if self.view is not None:
            self.view.site.forget()

    def action_settings(self) -> None:
        """Ports, minutes, allow-list; then listen."""
        from aetui.screens.inbound_forms import settings_form

        if self.view is not None:
            self.app.push_screen(settings_form(self.view.site.settings), self._settle)

    def _settle(self, settings: Settings | None) -> None:
        if self.view is not None and settings is not None:
            self.view.site.settings = settings
            self.action_listen()

    def action_another(self) -> None:
        """One more port."""
        from aetui.screens.inbound_forms import port_form

        if self.view is not None:
            taken = [port.wanted for port in self.view.site.ports if port.is_open]
            self.app.push_screen(port_form(taken), self._open_another)

    def _open_another(self, port: int | None) -> None:
        if self.view is not None and port is not None:
            self.run_worker(self._add(self.view.site, port), exit_on_error=True)

    async def _add(self, site: Site, port: int) -> None:
        await site.add(port)
        self.draw()
        self.query_one(Rows).select(f"port:{port}")


class OutsideKeys(Desk):
    """Keys of the outside half."""

    def action_end_test(self) -> None:
        """End the test that runs."""
        if self.view is not None:
            self.view.outside.stop()

    def action_jump(self) -> None:
        """Knock through the jump host; the first time, choose it."""
        if self.view is None:
            return
        way = self.view.way(self.demo is not None)
        if way is None:
            self.action_hosts()
        else:
            self._knock(way)

    def action_hosts(self) -> None:
        """Choose or try a jump host."""
        from aetui.screens.inbound_hosts import JumpHosts

        if self.view is not None:
            self.app.push_screen(JumpHosts(self.view.outside, self.tried), self._chosen)

    def _chosen(self, names: tuple[str, ...] | None) -> None:
        from aetui.screens.inbound_outside import Jump

        if names:
            self._knock(Jump(names[0], names[1:]))

    def _knock(self, way: Way) -> None:
        from aetui.screens.inbound_outside import Question

        self._ask(replace(self.asked, way=way) if self.asked is not None else Question(way))

    def _ask(self, question: Question) -> None:
        if self.view is not None:
            self.query_one(Rows).forget()
            self.view.outside.ask(self.view.filled(question), self.demo, self.view.on_site)

    def action_knock_again(self) -> None:
        """The same question once more."""
        question = self.view.outside.question if self.view is not None else None
        if question is not None:
            from aetui.screens.inbound_outside import Jump

            if isinstance(question.way, Jump):
                self._knock(question.way)
            else:
                self._ask(question)

    def action_address(self) -> None:
        """Correct the public address, the ports and the logger's address; then knock."""
        from aetui.screens.inbound_forms import address_form

        if self.view is not None:
            demo = self.demo is not None
            way, seen = self.view.way(demo), self.told()
            if way is not None:
                self.app.push_screen(address_form(self.asked, way, seen, needed=not (seen or demo)), self._corrected)

    def _corrected(self, question: Question | None) -> None:
        if question is not None:
            self.asked = question
            self.console.learnt.type(here(self.demo), question.public)
            self._ask(question)

    def action_from_here(self) -> None:
        """Knock from this computer at a site."""
        from aetui.screens.inbound_forms import here_form

        if self.view is not None:
            self.app.push_screen(here_form(self.view.outside.question), self._from_here)

    def _from_here(self, question: Question | None) -> None:
        if question is not None:
            self._ask(question)
