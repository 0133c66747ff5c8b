"""Are these dashboards what Grafana's own models know? `models.py FILE ...`, run by
`tests/grafana/check.sh` with the Foundation SDK at hand.

Each file is read into the SDK's classes, which are made from the same sources as Grafana's JSON
Schemas, and written again. What is misspelt or unknown does not come back, an unknown word where
there is a list of words is refused, and every value is held against the type of its field.
"""

import enum
import json
import sys
import types
import typing

from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

# Two slips of the models, which give these as objects: they are names and values of any kind.
ANYTHING = {("MatcherConfig", "options"), ("DynamicConfigValue", "value")}
# Datasources that the SDK does not know are kept as they are.
NOT_MODELLED = {"yesoreyeram-infinity-datasource"}


def problems(board):
    """What is wrong, as texts that begin with the place."""
    yield from round_trip(board, Dashboard, "")


def round_trip(ours, cls, at):
    """Read into the class, written again, and compared."""
    model = cls.from_json(ours)
    encoded = json.loads(json.dumps(model, cls=JSONEncoder))
    yield from differences(ours, encoded, at)
    yield from wrong_types(model, at)


def differences(ours, theirs, at):
    """All of `ours` is in `theirs`; that may have more: defaults."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            if key in theirs:
                yield from differences(value, theirs[key], f"{at}.{key}")
            elif value is not None:
                yield f"{at}.{key}: no such field"
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            yield f"{at}: {len(ours)} entries became {len(theirs)}"
        for index, pair in enumerate(zip(ours, theirs)):
            yield from differences(*pair, f"{at}[{index}]")
    elif ours != theirs:
        yield f"{at}: {ours!r} became {theirs!r}"


def wrong_types(value, at):
    """Fields whose values are not of the types that the models name."""
    if isinstance(value, (list, tuple)):
        for index, part in enumerate(value):
            yield from wrong_types(part, f"{at}[{index}]")
        return
    cls = type(value)
    if isinstance(value, (dict, enum.Enum)) or not hasattr(cls, "from_json"):
        return
    for name, kind in typing.get_type_hints(cls).items():
        field = getattr(value, name, None)
        if (parts := left_unread(field, kind)) is not None:
            for index, part in enumerate(parts):
                yield from round_trip(part, typing.get_args(element(kind))[0], f"{at}.{name}[{index}]")
            continue
        if field is not None and (cls.__name__, name) not in ANYTHING and not fits(field, kind):
            yield f"{at}.{name}: {field!r} is not {kind}"
        yield from wrong_types(field, f"{at}.{name}")


def element(kind):
    """The list in `Optional[list[...]]`."""
    return next((part for part in [kind, *typing.get_args(kind)]
                 if typing.get_origin(part) is list), None)


def left_unread(value, kind):
    """Lists that the SDK does not read into classes itself."""
    of = element(kind)
    is_class = of is not None and hasattr(typing.get_args(of)[0], "from_json")
    return value if value and is_class and isinstance(value[0], dict) else None


def fits(value, kind):
    """Is the value of the type? Classes of the SDK are looked into by the caller."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if kind in (object, typing.Any):
        return True
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, part) for part in parts)
    if origin is typing.Literal:
        return value in parts
    if origin is list:
        return isinstance(value, list) and all(fits(part, parts[0]) for part in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(part, parts[1]) for part in value.values())
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        # They are read as the plain words or numbers.
        return value in {member.value for member in kind}
    return isinstance(value, kind)


def panels(board):
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", [])


def unknown_kinds(board):
    """The SDK keeps panels and queries of kinds that it does not know without a look at them."""
    from grafana_foundation_sdk.cog import runtime

    for panel in panels(board):
        kind = panel["type"]
        if kind != "row" and runtime.panelcfg_config(kind) is None:
            yield f"{panel['title']}: there is no panel of type {kind}"
        source = panel.get("datasource", {}).get("type")
        if source and source not in NOT_MODELLED and source not in runtime.Runtime().dataquery_variants:
            yield f"{panel['title']}: there is no data source of type {source}"


def main():
    plugins.register_default_plugins()
    found = 0
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            board = json.load(file)
        try:
            wrong = [*unknown_kinds(board), *problems(board)]
        except (KeyError, TypeError, ValueError) as error:
            wrong = [f"{type(error).__name__}: {error}"]
        for problem in wrong:
            print(f"{path}: {problem}")
        found += len(wrong)
    sys.exit(1 if found else 0)


main()
