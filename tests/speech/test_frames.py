"""The buffer between the event loop and the player thread loses, repeats and blocks nothing."""

from __future__ import annotations

import asyncio
import threading

from speech.frames import END, FrameBuffer


async def test_frames_come_out_in_order_and_then_the_end() -> None:
    buffer = FrameBuffer(10)
    await buffer.put(b"1")
    await buffer.put(b"2")
    assert buffer.take() == b"1"
    buffer.end()
    assert not buffer.over
    assert [buffer.take(), buffer.take(), buffer.take()] == [b"2", END, END]
    assert buffer.over


async def test_nothing_yet_is_not_the_end() -> None:
    assert FrameBuffer(4).take() is None


async def test_a_full_buffer_holds_its_producer() -> None:
    buffer = FrameBuffer(4)

    async def produce() -> None:
        for number in range(20):
            await buffer.put(bytes([number]))
        buffer.end()

    producer = asyncio.create_task(produce())
    await buffer.more()
    assert buffer.waiting == 4
    assert [frame[0] async for frame in buffer] == list(range(20))
    await producer


async def test_cancelling_drops_and_frees() -> None:
    buffer = FrameBuffer(2)
    await buffer.put(b"1")
    await buffer.put(b"2")
    producer = asyncio.create_task(buffer.put(b"3"))
    await asyncio.sleep(0)
    buffer.cancel()
    await producer
    assert buffer.take() == END


async def test_a_thread_takes_all_that_the_loop_puts() -> None:
    buffer = FrameBuffer(8)
    taken: list[bytes] = []

    def read() -> None:
        while (frame := buffer.take()) != END:
            if frame is not None:
                taken.append(frame)

    reader = threading.Thread(target=read)
    reader.start()
    frames = [number.to_bytes(4) for number in range(2_000)]
    for frame in frames:
        await buffer.put(frame)
    buffer.end()
    await asyncio.to_thread(reader.join)
    assert taken == frames
    assert buffer.taken == 2_000
