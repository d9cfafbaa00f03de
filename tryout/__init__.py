"""``bot.py try``: the real bot in the sandbox: on a page, in the terminal, or once.

This is the one room besides the tests that imports the sandbox, and only ``bot.py`` imports it.
The bot itself is handed in as :data:`~tryout.scene.StartBot`: it is started against the sandbox
as it would be against any server that speaks Discord's protocol.
"""
