"""One open page: its websocket, whom it acts as, and what it is told.

The page sends ``{"id": n, "do": "say", ...}`` and gets ``{"re": n, "result": ...}`` or
``{"re": n, "error": "a sentence"}``; what happens comes as ``{"ev": "message", ...}``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

from aiohttp import WSMsgType, web

from sandbox.actor import Actor
from sandbox.errors import SandboxError
from sandbox.page.actions import Actions
from sandbox.page.bench import Bench
from sandbox.page.sound import Ear, pack
from sandbox.page.trouble import Trouble
from sandbox.page.views import message_view, world_view
from sandbox.permissions import Permission
from sandbox.records import Interaction, Json, Message
from sandbox.server import Sandbox
from sandbox.timeline import Event

_WORLDLY = ("guild.", "member.", "role.", "channel.", "voice.state", "gateway.", "commands")
_SUBSCRIBERS_STOP = (ConnectionError, RuntimeError)


class Session:
    """Serves one websocket until it closes."""

    def __init__(
        self,
        sandbox: Sandbox,
        socket: web.WebSocketResponse,
        people: Sequence[Actor],
        trouble: Trouble,
        note: str,
    ) -> None:
        self._core = sandbox.core
        self._sandbox = sandbox
        self._socket = socket
        self._people = people
        self._note = note
        self._trouble = trouble
        self._bench = Bench()
        self._tasks: set[asyncio.Task[None]] = set()
        self.actor = people[0]
        self._actions = Actions(sandbox, trouble)

    async def run(self) -> None:
        """Until the page is closed."""
        await self._tell_world()
        await self._send({"ev": "hello", "note": self._note, "trouble": self._trouble.view()})
        helpers = [self._spawn(self._watch()), self._spawn(self._listen())]
        try:
            async for incoming in self._socket:
                if incoming.type is WSMsgType.TEXT:
                    self._spawn(self._obey(json.loads(incoming.data)))
        finally:
            for task in [*helpers, *self._tasks]:
                task.cancel()

    # --- what the page asks for

    async def _obey(self, order: Json) -> None:
        answer: Json = {"re": order.get("id")}
        try:
            answer["result"] = await self._do(order)
        except (SandboxError, LookupError, ValueError, TypeError) as error:
            answer["error"] = str(error).splitlines()[0] if str(error) else type(error).__name__
        with suppress(*_SUBSCRIBERS_STOP):
            await self._send(answer)

    async def _do(self, order: Json) -> Any:
        match order["do"]:
            case "ping":
                return self._core.clock.real_s()
            case "as":
                self.actor = next(p for p in self._people if str(p.id) == order["who"])
                self._bench = Bench()
                await self._tell_world()
                return None
            case "locale":
                self.actor.user.locale = str(order["locale"])
                await self._tell_world()
                return None
            case "fault":
                said = await self._trouble.make(str(order["what"]), order)
                await self._send({"ev": "trouble", "trouble": self._trouble.view()})
                await self._tell_world()
                return said
        return await self._actions.do(self.actor, order)

    # --- what the page is told

    async def _watch(self) -> None:
        async with self._sandbox.subscribe() as events:
            while True:
                event = await events.get()
                worldly = await self._pass_on(event)
                while not events.empty():
                    worldly = await self._pass_on(events.get_nowait()) or worldly
                if worldly:
                    await self._tell_world()

    async def _pass_on(self, event: Event) -> bool:
        """Tell the page of one event; whether the world has to be told, too."""
        if self._bench.follow(event, self.actor.id, self._core.bot.id):
            await self._send({"ev": "bench", "bench": self._bench.view()})
        details = event.details
        message, interaction = details.get("message"), details.get("interaction")
        if isinstance(message, Message) and event.kind.startswith("message."):
            await self._tell_message(event, message)
        elif event.kind == "interaction.failed" and isinstance(interaction, Interaction):
            if interaction.user_id == self.actor.id:
                await self._send({"ev": "failed", "summary": interaction.summary})
        elif event.kind == "typing":
            where, who = details["channel_id"], details["user_id"]
            await self._send({"ev": "typing", "channel": str(where), "user": str(who)})
        elif event.kind == "voice.speaking":
            on = bool(details.get("flags"))
            await self._send({"ev": "speaking", "user": str(details["user_id"]), "on": on})
        elif event.kind in {"fault", "voice.close", "violation"}:
            await self._send({"ev": "incident", "kind": event.kind, "text": _plain(event)})
        return event.kind.startswith(_WORLDLY)

    async def _tell_message(self, event: Event, message: Message) -> None:
        if message.visible_to not in (None, self.actor.id):
            return
        channel = self._core.world.channels.get(message.channel_id)
        if channel is None:
            return
        if not self._core.world.permissions(self.actor.id, channel) & Permission.VIEW_CHANNEL:
            return
        if message.deleted:
            where = str(message.channel_id)
            await self._send({"ev": "gone", "channel": where, "message": str(message.id)})
            return
        view = message_view(self._core, message, self.actor.id)
        pinged = event.kind == "message.create" and self.actor.id in message.pinged
        await self._send({"ev": "message", "message": view, "pinged": pinged})

    async def _listen(self) -> None:
        ear = Ear(self._core, lambda: self.actor)
        while True:
            for frame in await ear.frames():
                await self._socket.send_bytes(pack(frame))
                if not frame.silence and self._bench.hears(frame):
                    await self._send({"ev": "bench", "bench": self._bench.view()})

    async def _tell_world(self) -> None:
        view = world_view(self._core, self.actor, self._people)
        await self._send({"ev": "world", "world": view})

    async def _send(self, body: Json) -> None:
        await self._socket.send_json(body)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @staticmethod
    async def _quietly(work: Coroutine[Any, Any, None]) -> None:
        """A page that went away is no error."""
        with suppress(ConnectionError):
            await work


def _plain(event: Event) -> str:
    violation = event.details.get("violation")
    if violation is not None:
        return str(violation)
    shown = ("what", "code", "method", "path")
    return ", ".join(f"{k} {event.details[k]}" for k in shown if k in event.details)
