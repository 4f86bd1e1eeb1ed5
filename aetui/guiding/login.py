"""A login that a person gives for a guide's checks: asked by whoever can hide what is typed, handed to the world, kept nowhere.

The walk itself only ever holds that there was one (``records.LOGIN_GIVEN``).
"""

from __future__ import annotations

from aetui.guide.interpreter import Answer
from aetui.guide.records import LOGIN_GIVEN, Ask, Guide, Question, Step
from aetui.guiding.world import World
from aetui.probes.base import Credentials
from aetui.vantage.asker import Asker, SecretKind, SecretQuestion

HOST = "ftp"


async def obtain(world: World, asker: Asker) -> bool:
    """Have user name and password typed; False where the person declines, or nobody can be asked."""
    user = await asker.secret(SecretQuestion(SecretKind.FTP_USER, HOST, "", echo=True))
    if not user or not user.strip():
        return False
    password = await asker.secret(SecretQuestion(SecretKind.FTP_PASSWORD, HOST, user.strip()))
    if password is None:
        return False
    world.log_in(Credentials(user.strip(), password))
    return True


def wanted(step: Step, answer: str) -> bool:
    """True where this answer takes a login that has to be typed first."""
    return isinstance(step, Question) and step.ask is Ask.LOGIN and answer == LOGIN_GIVEN


def given(guide: Guide, taken: object) -> bool:
    """True for the answer that stands for a login."""
    return isinstance(taken, Answer) and taken.step in guide.steps and wanted(guide.steps[taken.step], taken.text)
