"""What is wrong with a model file, and where: line, column and field of the YAML."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from functions.common.errors import ModelError
from functions.model.entry import Finding, Location, nearest, suggestion

_WORDS = {"extra_forbidden": "unknown key", "missing": "this key is missing"}


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong. `line` and `column` count from 1; `field` is the path of the entry in the YAML."""

    line: int
    column: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.field}: {self.message}"


class ModelFileError(ModelError):
    """The model file is wrong; `problems` says all that is, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__(f"the model is wrong: {'; '.join(map(str, self.problems))}")


def read_yaml(text: str) -> Any:
    """The YAML's content. Raises ModelFileError when it is no YAML or says one key of a mapping twice."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        repeated = list(_repeated_keys(root, ()))
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise ModelFileError([Problem(line, column, "model", f"this is not YAML: {error.problem}")]) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ModelFileError([Problem(1, 1, "model", f"this is not YAML: {error}")]) from error
    if repeated:
        raise ModelFileError(repeated)
    return content


def problems_of(
    text: str, model: type[BaseModel], error: ValidationError, kinds: tuple[str, ...] = ()
) -> list[Problem]:
    """What pydantic reports about the content of `text`, each at its place; of all `kinds`, or only of these."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    return [
        _located(root, *_finding(details, model)) for details in error.errors() if not kinds or details["type"] in kinds
    ]


def located(text: str, findings: Iterable[Finding]) -> list[Problem]:
    """The findings with their places in `text`, in the order of the text."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    return sorted(_located(root, path, message) for path, message in findings)


def _located(root: yaml.Node | None, path: Location, message: str) -> Problem:
    line, column = _place(root, path)
    return Problem(line, column, _dotted(path), message)


def with_keys_as_meant(content: Any, model: type[BaseModel], error: ValidationError) -> Any:
    """The content with unknown keys taken for what they look like, else left out, so that the rest can be judged."""
    meant: dict[Location, str | None] = {}
    for details in error.errors():
        if details["type"] == "extra_forbidden":
            path = tuple(details["loc"])
            meant[path] = nearest(str(path[-1]), _known_keys(model, path[:-1]))
    return _renamed(content, meant, ())


def _renamed(content: Any, meant: dict[Location, str | None], path: Location) -> Any:
    if not isinstance(content, dict):
        return content
    renamed = {}
    for key, each in content.items():
        name = meant.get((*path, key), key)
        if name is not None and (name == key or name not in content):
            renamed[name] = _renamed(each, meant, (*path, key))
    return renamed


def _finding(details: ErrorDetails, model: type[BaseModel]) -> Finding:
    path: Location = tuple(part for part in details["loc"] if part != "[key]")
    message = _WORDS.get(details["type"], details["msg"])
    if details["type"] == "extra_forbidden":
        message += suggestion(str(path[-1]), _known_keys(model, path[:-1]))
    return path, message


def _known_keys(model: type[BaseModel], path: Location) -> list[str]:
    """The keys that the schema allows at a path."""
    at: Any = model
    for part in path:
        at = _inside(at, part)
    return list(at.model_fields) if isinstance(at, type) and issubclass(at, BaseModel) else []


def _inside(annotation: Any, part: str | int) -> Any:
    """The type of an entry of something of this type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(part))
        return _plain(field.annotation) if field else None
    arguments = get_args(annotation)
    if not arguments:
        return None
    return _plain(arguments[1] if get_origin(annotation) is dict else arguments[0])


def _plain(annotation: Any) -> Any:
    """The type itself, without what Annotated or an optional adds."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return _plain(next(each for each in get_args(annotation) if each is not type(None)))
    return annotation


def _node(root: yaml.Node | None, path: Location) -> yaml.Node | None:
    """The key of a mapping's entry, or the item of a list, at exactly this path."""
    value, mark = root, root
    for part in path:
        if isinstance(value, yaml.MappingNode):
            pair = next((pair for pair in value.value if pair[0].value == str(part)), None)
            if pair is None:
                return None
            mark, value = pair
        elif isinstance(value, yaml.SequenceNode) and isinstance(part, int) and part < len(value.value):
            mark = value = value.value[part]
        else:
            return None
    return mark


def _place(root: yaml.Node | None, path: Location) -> tuple[int, int]:
    """Line and column of the path, or, where the file lacks it, of what it would be in; both from 1."""
    for length in range(len(path), -1, -1):
        node = _node(root, path[:length])
        if node is not None:
            return node.start_mark.line + 1, node.start_mark.column + 1
    return 1, 1


def _dotted(path: Location) -> str:
    dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return dotted.removeprefix(".") or "model"


def _repeated_keys(node: yaml.Node | None, path: Location) -> Iterator[Problem]:
    """YAML silently takes the last of several equal keys: each but the first is a problem."""
    if isinstance(node, yaml.MappingNode):
        first: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            mark = key.start_mark
            if key.value in first:
                message = f"this key is there already, in line {first[key.value]}"
                yield Problem(mark.line + 1, mark.column + 1, _dotted((*path, key.value)), message)
            first.setdefault(key.value, mark.line + 1)
            yield from _repeated_keys(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _repeated_keys(item, (*path, number))
