"""Components within Discord's limits (Component Reference), in messages and in modals.

Two kinds of message exist: without IS_COMPONENTS_V2 only action rows stand at the top;
with it, layout components do, and the message has neither content nor embeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

from sandbox.errors import ApiError, bad_form, too_long
from sandbox.records import Json


class Part(IntEnum):
    """Discord's component types."""

    ROW = 1
    BUTTON = 2
    STRING_SELECT = 3
    TEXT_INPUT = 4
    USER_SELECT = 5
    ROLE_SELECT = 6
    MENTIONABLE_SELECT = 7
    CHANNEL_SELECT = 8
    SECTION = 9
    TEXT = 10
    THUMBNAIL = 11
    GALLERY = 12
    FILE = 13
    SEPARATOR = 14
    CONTAINER = 17
    LABEL = 18
    FILE_UPLOAD = 19
    RADIO_GROUP = 21
    CHECKBOX_GROUP = 22
    CHECKBOX = 23


SELECTS = frozenset({3, 5, 6, 7, 8})
_LAYOUT = frozenset({1, 9, 10, 12, 13, 14, 17})
_IN_CONTAINER = _LAYOUT - {Part.CONTAINER}
_IN_LABEL = SELECTS | {4, 19, 21, 22, 23}
LINK, PREMIUM = 5, 6


def walk(components: list[Json]) -> Iterator[Json]:
    """Every component, parents before children."""
    for component in components:
        yield component
        yield from walk(component.get("components") or [])
        for key in ("accessory", "component"):
            if component.get(key):
                yield from walk([component[key]])


def check_message_components(components: list[Json], *, v2: bool, path: str = "components") -> None:
    """Raise 50035 for the first component that Discord would refuse in a message."""
    limit = 40 if v2 else 5
    if len(components) > limit:
        raise _wrong(path, "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {limit} in length.")
    for i, component in enumerate(components):
        kind = component.get("type")
        if kind not in (_LAYOUT if v2 else {Part.ROW}):
            allowed = sorted(_LAYOUT) if v2 else [1]
            raise _wrong(
                f"{path}.{i}",
                "UNION_TYPE_CHOICES",
                f'Value of field "type" must be one of {allowed}',
            )
        _check_layout(component, f"{path}.{i}")
    everything = list(walk(components))
    if v2 and len(everything) > 40:
        raise _wrong(path, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", "Too many components (40).")
    if sum(len(c.get("content") or "") for c in everything if c["type"] == Part.TEXT) > 4000:
        raise _wrong(path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", "Text exceeds 4000.")
    _check_unique(everything, path)


def check_modal(modal: Json) -> None:
    """Raise 50035 for a modal that Discord would not show."""
    for key, limit in (("title", 45), ("custom_id", 100)):
        text = modal.get(key)
        if not text:
            raise _wrong(f"data.{key}", "BASE_TYPE_REQUIRED", "This field is required")
        if len(text) > limit:
            raise too_long("components", f"data.{key}", limit)
    components = modal.get("components") or []
    if not 1 <= len(components) <= 5:
        raise _wrong(
            "data.components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length."
        )
    for i, component in enumerate(components):
        at = f"data.components.{i}"
        kind = component.get("type")
        if kind == Part.LABEL:
            _check_label(component, at)
        elif kind == Part.ROW:
            children = component.get("components") or []
            if len(children) != 1 or children[0].get("type") != Part.TEXT_INPUT:
                raise _wrong(at, "UNION_TYPE_CHOICES", "A row in a modal holds one text input.")
            if not children[0].get("label"):
                raise _wrong(f"{at}.components.0.label", "BASE_TYPE_REQUIRED", "Required")
            _check_leaf(children[0], f"{at}.components.0")
        elif kind != Part.TEXT:
            raise _wrong(
                at, "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (1, 10, 18)'
            )
    _check_unique(list(walk(components)), "data.components")


def number(components: list[Json]) -> list[Json]:
    """Give every component an ``id``, as Discord does where the client gave none."""
    taken = {c["id"] for c in walk(components) if c.get("id")}
    free = (n for n in range(1, 1 << 30) if n not in taken)
    for component in walk(components):
        if not component.get("id"):
            component["id"] = next(free)
    return components


def bounds(component: Json, fewest: int = 1) -> tuple[int, int]:
    """How many values may be chosen; clients send null where they mean the default."""
    low, high = component.get("min_values"), component.get("max_values")
    return fewest if low is None else int(low), 1 if high is None else int(high)


def _check_layout(component: Json, path: str) -> None:
    kind = component["type"]
    children = component.get("components") or []
    if kind == Part.ROW:
        _check_row(children, f"{path}.components")
    elif kind == Part.CONTAINER:
        for i, child in enumerate(children):
            if child.get("type") not in _IN_CONTAINER:
                raise _wrong(
                    f"{path}.components.{i}", "UNION_TYPE_CHOICES", "Not allowed in a container."
                )
            _check_layout(child, f"{path}.components.{i}")
    elif kind == Part.SECTION:
        if not 1 <= len(children) <= 3:
            raise _wrong(
                f"{path}.components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 3 in length."
            )
        accessory = component.get("accessory") or {}
        if accessory.get("type") not in (Part.BUTTON, Part.THUMBNAIL):
            raise _wrong(f"{path}.accessory", "BASE_TYPE_REQUIRED", "This field is required")
        if accessory["type"] == Part.BUTTON:
            _check_leaf(accessory, f"{path}.accessory")
    elif kind == Part.TEXT and not component.get("content"):
        raise _wrong(f"{path}.content", "BASE_TYPE_REQUIRED", "This field is required")
    elif kind == Part.GALLERY and not 1 <= len(component.get("items") or []) <= 10:
        raise _wrong(f"{path}.items", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 10 in length.")


def _check_row(children: list[Json], path: str) -> None:
    if not 1 <= len(children) <= 5:
        raise _wrong(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    kinds = {c.get("type") for c in children}
    if kinds & SELECTS and len(children) > 1:
        raise _wrong(
            path,
            "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
            "The specified component exceeds the maximum width",
        )
    for i, child in enumerate(children):
        if child.get("type") not in SELECTS | {Part.BUTTON}:
            raise _wrong(f"{path}.{i}", "UNION_TYPE_CHOICES", "Not allowed in a message's row.")
        _check_leaf(child, f"{path}.{i}")


def _check_label(component: Json, path: str) -> None:
    text = component.get("label") or ""
    if not text:
        raise _wrong(f"{path}.label", "BASE_TYPE_REQUIRED", "This field is required")
    if len(text) > 45:
        raise too_long("components", f"{path}.label", 45)
    if len(component.get("description") or "") > 100:
        raise too_long("components", f"{path}.description", 100)
    child = component.get("component") or {}
    if child.get("type") not in _IN_LABEL:
        raise _wrong(f"{path}.component", "UNION_TYPE_CHOICES", "Not allowed in a label.")
    _check_leaf(child, f"{path}.component")


def _check_leaf(component: Json, path: str) -> None:
    kind = component["type"]
    style = component.get("style")
    if kind == Part.BUTTON and style in (LINK, PREMIUM):
        if style == LINK and not component.get("url"):
            raise _wrong(f"{path}.url", "BASE_TYPE_REQUIRED", "A url is required")
    elif not component.get("custom_id"):
        raise _wrong(
            f"{path}.custom_id", "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", "A custom id is required"
        )
    elif len(component["custom_id"]) > 100:
        raise too_long("components", f"{path}.custom_id", 100)
    if kind == Part.BUTTON and style not in range(1, 7):
        raise _wrong(f"{path}.style", "BASE_TYPE_CHOICES", "Value must be one of (1, ..., 6).")
    if kind == Part.BUTTON and style != PREMIUM:
        label = component.get("label") or ""
        if not label and not component.get("emoji"):
            raise _wrong(path, "BUTTON_COMPONENT_INVALID_EMOJI", "A label or emoji is required")
        if len(label) > 80:
            raise too_long("components", f"{path}.label", 80)
    if kind in SELECTS:
        _check_select(component, path)
    if kind == Part.TEXT_INPUT:
        for key, limit in (("label", 45), ("placeholder", 100), ("value", 4000)):
            if len(component.get(key) or "") > limit:
                raise too_long("components", f"{path}.{key}", limit)


def _check_select(component: Json, path: str) -> None:
    if len(component.get("placeholder") or "") > 150:
        raise too_long("components", f"{path}.placeholder", 150)
    low, high = bounds(component)
    if not 0 <= low <= 25 or not 1 <= high <= 25 or low > high:
        raise _wrong(f"{path}.max_values", "NUMBER_TYPE_MAX", "min_values and max_values disagree")
    if component["type"] != Part.STRING_SELECT:
        return
    options = component.get("options") or []
    if not 1 <= len(options) <= 25:
        raise _wrong(
            f"{path}.options", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 25 in length."
        )
    if high > len(options):
        raise _wrong(f"{path}.options", "BASE_TYPE_BAD_LENGTH", f"Must be {high} or more in length")
    if len({o.get("value") for o in options}) < len(options):
        raise _wrong(
            f"{path}.options", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "Duplicated value"
        )
    for i, option in enumerate(options):
        for key in ("label", "value"):
            if not option.get(key):
                raise _wrong(f"{path}.options.{i}.{key}", "BASE_TYPE_REQUIRED", "Required")
        for key in ("label", "value", "description"):
            if len(str(option.get(key) or "")) > 100:
                raise too_long("components", f"{path}.options.{i}.{key}", 100)


def _check_unique(everything: list[Json], path: str) -> None:
    ids = [c["custom_id"] for c in everything if c.get("custom_id")]
    if len(set(ids)) < len(ids):
        raise _wrong(
            path, "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
        )


def _wrong(path: str, code: str, message: str) -> ApiError:
    return bad_form("components", path, code, message)
