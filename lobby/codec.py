"""Effects as JSON, for those that another process performs."""

from __future__ import annotations

import json
from dataclasses import asdict

from lobby.records import Connect, Deeds, Disconnect, Move, Notice, NoticeKind, Silence, Tell, Why

_KINDS: dict[str, type[Connect | Move | Disconnect | Silence]] = {
    kind.__name__: kind for kind in (Connect, Move, Disconnect, Silence)
}


def encode(effect: Deeds) -> str:
    """JSON of an effect."""
    return json.dumps([type(effect).__name__, asdict(effect)])


def decode(body: str) -> Deeds:
    """The effect that was encoded. Raises ``ValueError``, ``KeyError`` or ``TypeError`` if none."""
    name, values = json.loads(body)
    if name != Tell.__name__:
        return _KINDS[name](**values)
    notice = values["notice"]
    notice["kind"] = NoticeKind(notice["kind"])
    notice["why"] = notice["why"] and Why(notice["why"])
    return Tell(Notice(**notice), values["ping"])


def person(effect: Deeds) -> int:
    """Whom an effect is about; 0 for nobody."""
    match effect:
        case Tell(notice):
            return notice.person_id
        case Silence(_, person_id):
            return person_id
        case _:
            return 0
