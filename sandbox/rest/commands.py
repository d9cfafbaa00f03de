"""Application commands, the application itself, and the way to the gateway."""

from __future__ import annotations

from copy import deepcopy

from sandbox.checks.commands import check_command, check_commands
from sandbox.errors import unknown
from sandbox.payloads import user_json
from sandbox.records import Command, Json
from sandbox.rest.call import Call, Result, Route

_APP = "/applications/{application_id}"
_GLOBAL = f"{_APP}/commands"
_GUILD = f"{_APP}/guilds/{{guild_id}}/commands"
_FILLED = {
    "name_localizations": None,
    "description_localizations": None,
    "default_member_permissions": None,
    "dm_permission": True,
    "nsfw": False,
}


def command_json(call: Call, command: Command) -> Json:
    """A registered command as Discord lists it."""
    body: Json = dict(_FILLED) | deepcopy(command.shape)
    body |= {
        "id": str(command.id),
        "application_id": str(call.core.bot.id),
        "version": str(command.version),
        "type": command.kind,
        "name": command.name,
        "description": command.shape.get("description") or "",
    }
    if command.guild_id:
        body["guild_id"] = str(command.guild_id)
    else:
        body.setdefault("integration_types", [0])
        body.setdefault("contexts", [0, 1, 2] if body["dm_permission"] else [0])
    return body


def list_commands(call: Call) -> Result:
    return [command_json(call, c) for c in _in_scope(call)]


def overwrite(call: Call) -> Result:
    """Bulk overwrite: what is not named is gone; what keeps its name keeps its id."""
    shapes = call.items
    check_commands(shapes)
    before = {(c.kind, c.name): c for c in _in_scope(call)}
    for command in before.values():
        del call.core.world.commands[command.id]
    made = [_register(call, shape, before) for shape in shapes]
    call.core.note("commands", guild_id=_scope(call), names=[c.name for c in made])
    return [command_json(call, c) for c in made]


def create(call: Call) -> Result:
    """Create a command, or replace the one of the same name."""
    check_command(call.body)
    before = {(c.kind, c.name): c for c in _in_scope(call)}
    command = _register(call, call.body, before)
    call.core.note("commands", guild_id=_scope(call), names=[command.name])
    return command_json(call, command)


def read(call: Call) -> Result:
    return command_json(call, _find(call))


def edit(call: Call) -> Result:
    command = _find(call)
    shape = deepcopy(command.shape) | call.body
    check_command(shape | {"type": command.kind})
    command.shape, command.name = shape, str(shape["name"])
    command.version = call.core.world.ids.next()
    return command_json(call, command)


def delete(call: Call) -> Result:
    del call.core.world.commands[_find(call).id]
    return None


def permissions(call: Call) -> Result:
    """What the server's own settings say about one command."""
    guild, command = call.guild(), call.core.world.commands.get(call.id("command_id"))
    if command is None:
        raise unknown(10063, "application command")
    overrides = command.overrides.get(guild.id)
    if not overrides:
        raise unknown(10066, "application command permissions")
    return {
        "id": str(command.id),
        "application_id": str(call.core.bot.id),
        "guild_id": str(guild.id),
        "permissions": [
            {"id": str(i), "type": _override_kind(call, guild.id, i), "permission": allowed}
            for i, allowed in overrides.items()
        ],
    }


def _override_kind(call: Call, guild_id: int, target_id: int) -> int:
    guild = call.core.world.guilds[guild_id]
    if target_id in guild.roles:
        return 1
    return 2 if target_id in guild.members else 3


def _scope(call: Call) -> int | None:
    if call.id("application_id") != call.core.bot.id:
        raise unknown(10002, "Application")
    return call.guild().id if "guild_id" in call.params else None


def _in_scope(call: Call) -> list[Command]:
    scope = _scope(call)
    return [c for c in call.core.world.commands.values() if c.guild_id == scope]


def _register(call: Call, shape: Json, before: dict[tuple[int, str], Command]) -> Command:
    kind, name = int(shape.get("type", 1)), str(shape["name"])
    old = before.get((kind, name))
    ids = call.core.world.ids
    kept = {k: v for k, v in deepcopy(shape).items() if k not in ("id", "type", "name")}
    same = old is not None and old.shape == kept
    command = Command(
        old.id if old else ids.next(),
        _scope(call),
        kind,
        name,
        kept,
        old.version if old and same else ids.next(),
        old.overrides if old else {},
    )
    call.core.world.commands[command.id] = command
    return command


def _find(call: Call) -> Command:
    command = call.core.world.commands.get(call.id("command_id"))
    if command is None or command.guild_id != _scope(call):
        raise unknown(10063, "application command")
    return command


def application(call: Call) -> Result:
    """The application as GET /applications/@me gives it."""
    core = call.core
    owner = min((g.owner_id for g in core.world.guilds.values()), default=core.bot.id)
    return {
        "id": str(core.bot.id),
        "name": core.bot.name,
        "icon": None,
        "description": "",
        "rpc_origins": [],
        "bot_public": True,
        "bot_require_code_grant": False,
        "bot": user_json(core.bot),
        "owner": user_json(core.world.users[owner]),
        "summary": "",
        "verify_key": "0" * 64,
        "team": None,
        "flags": core.gateway.application_flags(),
        "approximate_guild_count": len(core.bot_guilds()),
        "approximate_user_install_count": 0,
        "tags": [],
        "integration_types_config": {"0": {}},
    }


def emojis(call: Call) -> Result:
    return {"items": []}


def gateway(call: Call) -> Result:
    return {"url": call.gateway_url}


def gateway_bot(call: Call) -> Result:
    limit = {"total": 1000, "remaining": 999, "reset_after": 86400000, "max_concurrency": 1}
    return {"url": call.gateway_url, "shards": 1, "session_start_limit": limit}


ROUTES = [
    Route("GET", _GLOBAL, list_commands),
    Route("PUT", _GLOBAL, overwrite),
    Route("POST", _GLOBAL, create),
    Route("GET", f"{_GLOBAL}/{{command_id}}", read),
    Route("PATCH", f"{_GLOBAL}/{{command_id}}", edit),
    Route("DELETE", f"{_GLOBAL}/{{command_id}}", delete),
    Route("GET", _GUILD, list_commands),
    Route("PUT", _GUILD, overwrite),
    Route("POST", _GUILD, create),
    Route("GET", f"{_GUILD}/{{command_id}}", read),
    Route("PATCH", f"{_GUILD}/{{command_id}}", edit),
    Route("DELETE", f"{_GUILD}/{{command_id}}", delete),
    Route("GET", f"{_GUILD}/{{command_id}}/permissions", permissions),
    Route("GET", "/applications/@me", application),
    Route("GET", "/oauth2/applications/@me", application),
    Route("GET", f"{_APP}/emojis", emojis),
    Route("GET", "/gateway", gateway, open=True),
    Route("GET", "/gateway/bot", gateway_bot),
]
