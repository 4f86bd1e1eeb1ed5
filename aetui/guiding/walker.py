"""A guide being walked: what a screen or a terminal holds. Give it answers, have it run its checks, ask it what to show.

Every method that changes the walk writes it down first thing. One at a time: a check that runs is awaited, or its task cancelled, before
anything else is called. No words of its own beyond the guide's; not here: how it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from aetui.guide import interpreter
from aetui.guide.interpreter import Conclusion, Showing, Taken, Trodden, Walk, Wrong
from aetui.guide.records import Check, Guide, Instruction, Seen
from aetui.guiding import login
from aetui.guiding.acting import act
from aetui.guiding.journal import Keeper, NoKeeper
from aetui.guiding.world import World


class Walker:
    """One walk through one guide."""

    def __init__(self, guide: Guide, given: Mapping[str, str] | None = None, keeper: Keeper | None = None) -> None:
        self.guide = guide
        self.walk: Walk = interpreter.begin(guide, given)
        self._keeper: Keeper = keeper or NoKeeper()

    def take_up(self, taken: tuple[Taken, ...]) -> int:
        """Go on from an earlier walk's inputs, as far as they still fit; how many did. They are written down anew."""
        while taken and login.given(self.guide, taken[-1]):
            taken = taken[:-1]  # nobody kept it, so it is asked for again before it is used
        self.walk = interpreter.taken_up(self.guide, replace(self.walk, taken=taken))
        again, whole = replace(self.walk, taken=()), self.walk
        for each in whole.taken:
            self._keep(again, each)
            again = replace(again, taken=(*again.taken, each))
        self._conclude()
        return len(whole.taken)

    # ---------------------------------------------------------------------------------------------------------- what is so
    @property
    def showing(self) -> Showing:
        """What to show, ask or run now."""
        return interpreter.here(self.guide, self.walk)

    @property
    def known(self) -> Mapping[str, str]:
        """Everything known by name."""
        return interpreter.known(self.guide, self.walk)

    @property
    def trodden(self) -> tuple[Trodden, ...]:
        """The way so far."""
        return interpreter.trodden(self.guide, self.walk)

    @property
    def conclusion(self) -> Conclusion | None:
        """The verdict, once the walk has come to one."""
        return interpreter.conclusion(self.guide, self.walk)

    # -------------------------------------------------------------------------------------------------------------- inputs
    def learn(self, name: str, value: str) -> bool:
        """Something became known beside the walk; left alone where the walk would then stand elsewhere. True where anything changed."""
        changed = replace(self.walk, given={**self.walk.given, name: value})
        if self.walk.given.get(name, "") == value:
            return False
        before, after = self.showing, interpreter.here(self.guide, changed)
        same = before.reached == after.reached and interpreter.taken_up(self.guide, changed).taken == self.walk.taken
        self.walk = changed if same else self.walk
        return same

    def answer(self, text: str) -> Wrong | None:
        """What a person typed at a question; what is wrong with it, or None."""
        return self._took(interpreter.answer(self.guide, self.walk, text))

    def means_login(self, text: str) -> bool:
        """True where this answer stands for a login, which has to be typed and given to the world first (``login.obtain``)."""
        after = interpreter.answer(self.guide, self.walk, text) if text.strip() else None
        return isinstance(after, Walk) and login.given(self.guide, after.taken[-1])

    def go_on(self) -> Wrong | None:
        """An instruction was followed."""
        return self._took(interpreter.go_on(self.guide, self.walk))

    def back(self) -> bool:
        """Before the last step that a person took; False at the beginning."""
        before = interpreter.back(self.walk)
        if len(before.taken) == len(self.walk.taken):
            return False
        self._keeper.went_back(self.guide.key, self.walk.taken[len(before.taken)].step)
        self.walk = before
        return True

    async def run(self, world: World) -> Seen:
        """Run this step's check and take what it saw. Cancelled, nothing is taken."""
        step = self.showing.step
        if not isinstance(step, Check):
            raise TypeError(f"{step.id} is no check")
        if not any(login.given(self.guide, taken) for taken in self.walk.taken):
            world.log_out()
        seen = await act(world, step.action, self.known)
        self._took(interpreter.found(self.guide, self.walk, seen))
        return seen

    def _took(self, result: Walk | Wrong) -> Wrong | None:
        if isinstance(result, Wrong):
            return result
        self._keep(self.walk, result.taken[-1])
        self.walk = result
        self._conclude()
        return None

    def _conclude(self) -> None:
        end = self.conclusion
        if end is not None:
            self._keeper.concluded(self.guide.key, end)

    def _keep(self, before: Walk, taken: Taken) -> None:
        self._keeper.took(self.guide.key, taken, interpreter.here(self.guide, before).step.title)


def instructions_of(guide: Guide) -> frozenset[str]:
    """Steps that ask nothing, for ``journal.taken_of``."""
    return frozenset(step.id for step in guide.steps.values() if isinstance(step, Instruction))
