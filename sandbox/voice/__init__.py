"""Discord voice, the server's half: websocket (version 8), RTP over UDP, and DAVE.

Open it with :func:`sandbox.voice.host.open_voice`. Nothing is imported here, because
``sandbox.ports`` names types of this package and the host implements ``sandbox.ports``.

Sources: Discord's developer documentation, "Voice connections"; the DAVE protocol
whitepaper (https://daveprotocol.com), version 1.1; MLS, RFC 9420; RTP, RFC 3550; Opus, RFC 6716.
"""
