"""The contract in docs/openapi.json, and what may not be done to it.

Callers depend on paths, parameters and fields. What takes one away, demands more, or changes a type breaks them, and
is refused unless the major version of the API is raised.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"

type Document = dict[str, Any]


def breaking_changes(before: Document, after: Document) -> list[str]:
    """What callers of `before` can not rely on any more, one sentence each; empty when the major version is raised."""
    if _major(after) > _major(before):
        return []
    return [change for path in before["paths"] for change in _path_changes(before, after, path)]


def _major(document: Document) -> int:
    return int(document["info"]["version"].split(".")[0])


def _path_changes(before: Document, after: Document, path: str) -> Iterator[str]:
    if path not in after["paths"]:
        yield f"{path} is gone"
        return
    for method, operation in before["paths"][path].items():
        now = after["paths"][path].get(method)
        if now is None:
            yield f"{method} {path} is gone"
            continue
        yield from _parameter_changes(f"{method} {path}", operation, now)
        for status, response in operation["responses"].items():
            where = f"{method} {path} {status}"
            if status not in now["responses"]:
                yield f"{where} is gone"
                continue
            for media, content in response.get("content", {}).items():
                new = now["responses"][status].get("content", {}).get(media)
                if new is None:
                    yield f"{where} {media} is gone"
                else:
                    yield from _schema_changes(where, content["schema"], new["schema"], before, after, ())


def _parameter_changes(where: str, before: Document, after: Document) -> Iterator[str]:
    old = {(each["in"], each["name"]): each for each in before.get("parameters", ())}
    new = {(each["in"], each["name"]): each for each in after.get("parameters", ())}
    for key, parameter in old.items():
        name = f"{where} parameter {key[1]}"
        if key not in new:
            yield f"{name} is gone"
            continue
        if new[key].get("required") and not parameter.get("required"):
            yield f"{name} is required now"
        was, now = parameter["schema"], new[key]["schema"]
        for aspect in ("type", "format", "pattern", "default"):
            if was.get(aspect) != now.get(aspect):
                yield f"{name}: {aspect} was {was.get(aspect)}, is {now.get(aspect)}"
        if gone := set(was.get("enum", ())) - set(now.get("enum", was.get("enum", ()))):
            yield f"{name} takes {', '.join(sorted(map(str, gone)))} no more"
        for bound, tighter in (("maximum", -1), ("maxLength", -1), ("minimum", 1), ("minLength", 1)):
            if bound in now and (bound not in was or (now[bound] - was[bound]) * tighter > 0):
                yield f"{name}: {bound} is narrower"
    for key in new.keys() - old.keys():
        if new[key].get("required"):
            yield f"{where} has a new required parameter {key[1]}"


def _resolved(schema: Document, document: Document) -> Document:
    name = schema.get("$ref", "").rpartition("/")[2]
    part: Document = document["components"]["schemas"][name] if name else schema
    return part


def _types(schema: Document, document: Document) -> set[str]:
    schema = _resolved(schema, document)
    variants = schema.get("anyOf", schema.get("oneOf"))
    if variants:
        return set().union(*(_types(each, document) for each in variants))
    kind = schema.get("type")
    return {f"{kind}:{schema.get('format', '')}" if isinstance(kind, str) else str(kind)}


def _schema_changes(
    where: str, before: Document, after: Document, old: Document, new: Document, seen: tuple[str, ...]
) -> Iterator[str]:
    """What a response's reader can not rely on any more."""
    if before.get("$ref", "") in seen:
        return
    seen = (*seen, before["$ref"]) if "$ref" in before else seen
    if added := _types(after, new) - _types(before, old):
        yield f"{where} may be {', '.join(sorted(added))} now"
    elif not _types(after, new):
        yield f"{where} has no type any more"
    was, now = _resolved(before, old), _resolved(after, new)
    for name, field in was.get("properties", {}).items():
        if name not in now.get("properties", {}):
            yield f"{where} field {name} is gone"
        else:
            yield from _schema_changes(f"{where} field {name}", field, now["properties"][name], old, new, seen)
    for name in set(was.get("required", ())) - set(now.get("required", ())):
        if name in now.get("properties", {}):
            yield f"{where} field {name} may be missing now"
    if "items" in was and "items" in now:
        yield from _schema_changes(f"{where}[]", was["items"], now["items"], old, new, seen)
