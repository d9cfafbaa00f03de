"""The process that serves the demo model, for ``dialogue.model_server``; imports nothing of ours.

Reads one line of JSON from its standard input (``threads``, ``nice``, ``key``, ``weights``), writes
one with the address it serves at, and lives until its standard input closes. That happens when the
bot ends in whatever way, kill -9 included, so no server outlives its bot.
"""

from __future__ import annotations

import json
import os
import sys

CONTEXT_TOKENS = 8192  # all that SmolLM2 can attend to
CONVERSATIONS = 4


def main() -> None:
    """Serve until the parent is gone."""
    given = json.loads(sys.stdin.readline())
    if hasattr(os, "nice"):
        os.nice(given["nice"])
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = given["weights"]
    params.model_alias = {given["name"]}
    params.api_keys = [given["key"]]
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = CONVERSATIONS
    params.kv_unified = True
    params.cpuparams.n_threads = given["threads"]
    params.cpuparams_batch.n_threads = given["threads"]
    # A very small model: the colder, the less it strays.
    params.sampling.temp = 0.2
    params.sampling.top_p = 0.9
    # Nothing that people wrote is kept or shown beyond the answer itself.
    params.cache_ram_mib = 0
    params.endpoint_slots = False
    params.ui = False
    params.verbosity = -1
    server = xllamacpp.Server(params)
    sys.stdout.write(json.dumps({"address": server.listening_address}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    # Not a clean exit: the server's threads may be in the middle of an answer nobody wants.
    os._exit(0)


if __name__ == "__main__":
    main()
