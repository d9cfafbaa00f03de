"""The voice: a VITS library of its own (``python -m vits``). It knows nothing of the bot."""
