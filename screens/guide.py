"""The Guide tab: from 'support cannot reach the logger' to the cause and the right request, step by step. Its keys; what they change is
drawn by ``guide_frame``.
"""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from aetui.screens.guide_frame import Answer, GuideFrame
from aetui.screens.reader import Reader
from aetui.screens.widgets.rows import Rows


class GuideTab(GuideFrame):
    """See the module."""

    TAB = "guide"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "guide_back", "Back", key_display="Esc"),
        Binding("c", "guide_stop", "Stop"),
        Binding("l", "guide_label", "Label"),
        Binding("y", "guide_copy", "Copy request"),
        Binding("n", "guide_leave", "Other guide"),
        Binding("question_mark", "guide_more", "Why", key_display="?"),
        Binding("w", "guide_way", "Way so far"),
        Binding("r", "guide_again", "Again"),
        Binding("d", "scenario", "Demo site", show=False),
    ]

    def on_screen_resume(self) -> None:
        """Another demo site was chosen meanwhile: what is known of this one says nothing of that. So it is with walks and the site's name."""
        visit = self.visit
        self.call_after_refresh(self._painted, self._mark)
        if visit is not None and visit.guide is not None and visit.demo != self.console.launch.demo:
            self.action_guide_leave()
        elif visit is not None and visit.guide is None and visit.library is not None and visit.looked_for != visit.name():
            self.run_worker(visit.look_back(), exclusive=True, group="guide")
        elif visit is not None:
            visit.refresh()

    # ---------------------------------------------------------------------------------------------------------------- answering
    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Enter on a row; one that comes before the step is on the screen answers nothing."""
        visit, (kind, _, key) = self.visit, event.key.partition(":")
        if visit is None or not self.is_shown():
            return
        self.note = ""
        match kind:
            case "guide" | "resume":
                self._begin(key, resume=kind == "resume")
            case "answer":
                visit.answer(key)
            case "go-on":
                visit.go_on()
            case "check":
                visit.check()
            case "retry" if visit.guide is not None:
                self._begin(visit.guide.key)
            case _:
                self.action_guide_leave()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the line to type in, as on a row."""
        event.stop()
        visit = self.visit
        if visit is None or not self.is_shown():
            return
        self.note = ""
        if visit.guide is not None:
            visit.answer(event.value)
        else:
            self._by_label(event.value.strip())

    def on_input_changed(self) -> None:
        """What was wrong is being mended."""
        if self.visit is not None and (self.visit.wrong is not None or self.note):
            self.visit.wrong, self.note = None, ""
            self.draw()

    def _by_label(self, text: str) -> None:
        from aetui.display import displayable
        from aetui.screens.guide_words import say

        assert self.visit is not None and self.visit.library is not None
        library = self.visit.library
        found = library.meant(text)
        self.labelled = None
        if len(found) == 1:
            self._begin(found[0].key)
        elif found:
            self.note, self.labelled = say("guide", "label_many"), tuple(guide.key for guide in found)
        elif text:
            self.note = say("guide", "label_none", text=displayable(text, 40))
        self.draw()

    def _begin(self, key: str, *, resume: bool = False) -> None:
        visit = self.visit
        assert visit is not None and visit.library is not None
        taken = next((each.taken for each in visit.earlier if each.guide.key == key), ()) if resume else ()
        self.labelled, self.note = None, ""
        self.run_worker(visit.begin(visit.library.guides[key], taken), exclusive=True, group="guide")

    # ------------------------------------------------------------------------------------------------------------------ actions
    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what does something now is offered."""
        visit = self.visit
        walking = visit is not None and visit.walker is not None
        match action:
            case "guide_back":
                return walking or self.labelled is not None or self.query_one(Answer).has_focus
            case "guide_more" | "guide_way":
                return walking
            case "guide_again":
                return visit is not None and visit.walker is not None and visit.walker.conclusion is not None
            case "guide_leave":
                return visit is not None and visit.guide is not None
            case "guide_stop":
                return visit is not None and visit.running
            case "guide_label":
                return visit is not None and visit.library is not None and visit.guide is None
            case "guide_copy":
                return bool(self._request())
            case "scenario":
                return self.console.launch.demo is not None
            case _:
                return True

    def action_guide_back(self) -> None:
        """One step back; on the list of guides, back from the label to the list."""
        from aetui.screens.guide_words import say

        visit = self.visit
        if visit is None:
            return
        self.note = ""
        if visit.walker is not None and not visit.back():
            self.note = say("guide", "beginning")
        elif visit.guide is None:
            self.labelled = None
            self.query_one(Answer).value = ""
            self.set_focus(self.query_one(Rows))
        self.draw()

    def action_guide_stop(self) -> None:
        """End the test that runs."""
        from aetui.screens.guide_words import say

        if self.visit is not None:
            self.note = say("guide", "stopped")
            self.visit.stop()

    def interrupt(self) -> bool:
        """Ctrl+C: stop the test that runs; False where none does."""
        going = self.visit is not None and self.visit.running
        if going:
            self.action_guide_stop()
        return going

    def action_guide_leave(self) -> None:
        """Back to the list of guides."""
        self.note = ""
        self.run_worker(self._leave(), exclusive=True, group="guide")

    async def _leave(self) -> None:
        if self.visit is not None:
            await self.visit.leave()
            await self.visit.look_back()

    def action_guide_again(self) -> None:
        """The same guide from its first step, on the network as it is now."""
        if self.visit is not None and self.visit.guide is not None:
            self._begin(self.visit.guide.key)

    def action_guide_label(self) -> None:
        """Type what the label says."""
        from aetui.screens.guide_words import say

        field = self.query_one(Answer)
        field.placeholder = say("guide", "label")
        self.set_focus(field)  # at once: the next keys may be in the same packet

    def action_guide_more(self) -> None:
        """Everything behind what is shown."""
        from aetui.screens.guide_view import more
        from aetui.screens.guide_words import say

        visit = self.visit
        if visit is not None:
            self.app.push_screen(Reader(say("guide", "seen"), lambda: more(visit)))

    def action_guide_way(self) -> None:
        """Every step of the walk."""
        from aetui.screens.guide_view import way
        from aetui.screens.guide_words import say

        visit = self.visit
        if visit is not None:
            self.app.push_screen(Reader(say("guide", "way"), lambda: way(visit)))

    def _request(self) -> str:
        walker = self.visit.walker if self.visit is not None else None
        if walker is None:
            return ""
        from aetui.screens.guide_verdict import request_text

        return request_text(walker)

    def action_guide_copy(self) -> None:
        """What is to be handed over, to the clipboard."""
        from aetui.screens.guide_words import say

        self.app.copy_to_clipboard(self._request())
        self.note = say("guide", "copied")
        self.draw()

    def action_scenario(self) -> None:
        """Choose a demo site; the walk begins anew on it."""
        from aetui.screens.choices import scenario_picker

        self.app.push_screen(scenario_picker(self.console.launch), self._played)

    def _played(self, names: tuple[str, ...] | None) -> None:
        if names:
            self.console.relaunch(demo=names[0])
            self.action_guide_leave()
