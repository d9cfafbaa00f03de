"""``python -m vits``: speak, import, list."""

from __future__ import annotations

import sys

from vits.command import main

if __name__ == "__main__":
    sys.exit(main())
