"""What the model may do besides talking, in servers that turned it on. Off by default.

To add a tool, write a function with a docstring (the model reads it) and type hints, decorate it
with ``@tool``, and put it into ``TOOLS``. A tool gets what the model chose as arguments and nothing
else: no person, no server, no store. So none can reach another person's data, whatever it is asked.
A mistake of the model's is an answer to it, not an error.
"""

from __future__ import annotations

import datetime as dt
import random
import re
from zoneinfo import ZoneInfo, available_timezones

from langchain_core.tools import BaseTool, tool

DICE_MOST = 100
SIDES_MOST = 1000
CALLS_MOST = 4
"""Tool calls in one answer."""

_DICE = re.compile(r"\s*(\d{0,3})\s*[dD]\s*(\d{1,4})\s*([+-]\s*\d{1,4})?\s*")


@tool
def time_in_zone(zone: str) -> str:
    """The date and time now in a time zone, given by its IANA name such as Asia/Taipei or UTC."""
    # The set of names is what is looked up: a name is never used as a path.
    if zone not in available_timezones():
        return "There is no such time zone. Use an IANA name such as Europe/London."
    now = dt.datetime.now(ZoneInfo(zone))
    return now.strftime("%A, %Y-%m-%d %H:%M (UTC%z)")


@tool
def roll_dice(dice: str) -> str:
    """Roll dice, given as 2d6 or d20+3; the sum and each die."""
    found = _DICE.fullmatch(dice)
    if found is None:
        return "Give dice as 2d6 or d20+3."
    count, sides = int(found[1] or 1), int(found[2])
    plus = int((found[3] or "0").replace(" ", ""))
    if not (1 <= count <= DICE_MOST and 2 <= sides <= SIDES_MOST):
        return f"At most {DICE_MOST} dice of 2 to {SIDES_MOST} sides."
    rolled = [random.randint(1, sides) for _ in range(count)]
    return f"{sum(rolled) + plus} (rolled {', '.join(map(str, rolled))})"


TOOLS: tuple[BaseTool, ...] = (time_in_zone, roll_dice)
