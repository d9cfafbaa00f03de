"""``bot.py try --say TEXT --out DIR``: the main job once, with everything kept that happened."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError
from sandbox.records import Message
from sandbox.server import Sandbox, open_sandbox
from tryout.scene import (
    REPLY_S,
    Scene,
    StartBot,
    TryFailed,
    audio_of,
    being_written,
    until_quiet,
)

TRANSCRIPT = "transcript.json"


@dataclass(frozen=True)
class Outcome:
    """What was seen and heard."""

    answer: str
    heard_s: float
    late_share: float
    folder: Path


async def say_once(start: StartBot, text: str, out: Path) -> Outcome:
    """A member in voice asks, then one who is not. Writes transcript.json, heard.wav, reply.ogg.

    Raises:
        TryFailed: some step did not happen; what did is in the transcript all the same.
        OSError: ``out`` cannot be written; known before anything is started.
    """
    await asyncio.to_thread(_prepare, out)
    async with open_sandbox() as sandbox:
        scene = Scene.build(sandbox)
        try:
            async with start(sandbox.address, sandbox.ca_file, sandbox.token):
                await scene.until_ready()
                return await _main_job(scene, text, out)
        except SandboxError as error:
            raise TryFailed(str(error).splitlines()[0] or type(error).__name__) from error
        finally:
            _write_transcript(sandbox, out)


async def _main_job(scene: Scene, text: str, out: Path) -> Outcome:
    you, sandbox = scene.you, scene.sandbox
    await you.join_voice(scene.voice)
    await scene.have_session(you)
    answer = await _ask(scene, you, text)
    spoken = "".join(message.content for message in answer)
    if not spoken.strip():
        raise TryFailed("the answer has no text")
    hearing = you.heard(scene.guild)
    try:
        await until_quiet(sandbox, hearing, 60 + len(spoken) / 5)
    except TimeoutError:
        if all(frame.silence for frame in hearing.frames):
            raise TryFailed("nothing was heard in the voice channel") from None
    hearing.save_wav(out / "heard.wav")
    await _ask(scene, scene.friend, text)
    found = await sandbox.until(lambda: audio_of(sandbox.messages(scene.text)), REPLY_S)
    if found is None:
        raise TryFailed("the reply came without its sound")
    (out / "reply.ogg").write_bytes(found)
    figures = hearing.statistics()
    return Outcome(spoken, figures.frames * 0.02, figures.late_share, out)


async def _ask(scene: Scene, who: Any, text: str) -> list[Message]:
    """The finished messages of an answer. Raises TryFailed."""
    asked = await scene.chat(who, text)

    def finished() -> list[Message]:
        written = [m for m in asked.messages if m.content]
        return written if written and not any(being_written(m) for m in asked.messages) else []

    answer: list[Message] = await scene.sandbox.until(finished, REPLY_S)
    if answer[0].ephemeral:
        raise TryFailed(f"instead of an answer: {answer[0].content}")
    return answer


def _prepare(out: Path) -> None:
    """Raise OSError now, where the transcript could not be written in the end."""
    out.mkdir(parents=True, exist_ok=True)
    (out / TRANSCRIPT).touch()


def _write_transcript(sandbox: Sandbox, out: Path) -> None:
    text = json.dumps(sandbox.records(), ensure_ascii=False, indent=1) + "\n"
    (out / TRANSCRIPT).write_text(text, "utf-8")
