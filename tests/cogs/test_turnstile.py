"""Messages of one person are answered in order; nobody waits for somebody else."""

from __future__ import annotations

import asyncio

import pytest

from cogs.turnstile import TooManyMessages, Turnstile


async def test_each_person_is_served_in_order_and_nobody_waits_for_another() -> None:
    turnstile = Turnstile(5)
    heard: list[str] = []
    go = asyncio.Event()

    async def ask(person: int, text: str) -> None:
        async with turnstile.passage(person):
            if text == "first":
                await go.wait()
            heard.append(text)

    mine = [asyncio.create_task(ask(1, text)) for text in ("first", "second", "third")]
    await asyncio.sleep(0)  # lets the tasks reach the turnstile
    await ask(2, "other")
    assert heard == ["other"]
    assert turnstile.waiting(1) == 2
    go.set()
    await asyncio.gather(*mine)
    assert heard == ["other", "first", "second", "third"]
    assert turnstile.waiting(1) == 0


async def test_too_many_are_refused_at_once_and_the_others_still_served() -> None:
    turnstile = Turnstile(1)
    go = asyncio.Event()

    async def ask() -> None:
        async with turnstile.passage(1):
            await go.wait()

    tasks = [asyncio.create_task(ask()) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyMessages):
        await ask()
    go.set()
    await asyncio.gather(*tasks)


async def test_whoever_gives_up_waiting_holds_nobody_up() -> None:
    turnstile = Turnstile(5)
    go, served = asyncio.Event(), asyncio.Event()

    async def ask(event: asyncio.Event) -> None:
        async with turnstile.passage(1):
            await event.wait()
            served.set()

    first = asyncio.create_task(ask(go))
    second = asyncio.create_task(ask(asyncio.Event()))
    third = asyncio.create_task(ask(go))
    await asyncio.sleep(0)
    second.cancel()
    first.cancel()
    go.set()
    await third
    assert served.is_set()
