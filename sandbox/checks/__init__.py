"""Discord's limits on what clients send, each with the error Discord answers."""
