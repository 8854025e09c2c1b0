"""docs/architecture.md says which room may import which, and the imports obey: no circles, no private names."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from functions.load.schema.migrate import read_migrations
from local.paths import REPOSITORY

PAGE = REPOSITORY / "docs" / "architecture.md"
PRODUCT = ("functions", "infra", "local", "cli", "dashboards", "benchmarks")


def rooms() -> dict[str, set[str]]:
    """Room -> the rooms that the page lets it import."""
    rows = dict(re.findall(r"^\| `([a-z_/]+)` \| [^|]* \| ([^|]*) \|$", PAGE.read_text(), re.MULTILINE))
    return {room: set(re.findall(r"`([a-z_/]+)`", others)) for room, others in rows.items()}


@cache
def modules() -> dict[str, Path]:
    """Every module of the product and of the tests, by its dotted name; the plugins have a project of their own."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    paths = [Path(line) for line in listed.stdout.splitlines() if "localstack_plugins" not in line]
    return {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__"): path
        for path in paths
        if path.parts[0] in (*PRODUCT, "tests")
        and path != Path("functions/__init__.py")
        and (REPOSITORY / path).exists()
    }


def imports(name: str) -> Iterator[tuple[str, str | None]]:
    """Modules of ours that a module imports, TYPE_CHECKING imports too, each with the name that it takes from there."""
    for node in ast.walk(ast.parse((REPOSITORY / modules()[name]).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: write the whole name of what line {node.lineno} imports"
            assert node.module
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                if submodule in modules():
                    yield submodule, None
                elif node.module in modules():
                    yield node.module, alias.name
        elif isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names if alias.name in modules())


def imports_of_code_in_strings(name: str) -> list[str]:
    """Test modules that code within a string imports, which another process is to run."""
    return re.findall(r"""["'; ](?:from|import) (tests\.[\w.]+)""", (REPOSITORY / modules()[name]).read_text("utf-8"))


def attributes_of_modules(name: str) -> Iterator[tuple[str, str]]:
    """Modules of ours that a module holds under a name of its own, each with the attribute that it reads there."""
    tree = ast.parse((REPOSITORY / modules()[name]).read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if f"{node.module}.{alias.name}" in modules()
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported:
            yield imported[node.value.id], node.attr


def room_of(name: str) -> str:
    """The innermost room of the page that a module is in."""
    folder = "/".join(name.split("."))
    return max((room for room in rooms() if f"{folder}/".startswith(f"{room}/")), key=len)


def test_every_room_is_on_the_page_and_exists() -> None:
    assert all((REPOSITORY / room).is_dir() for room in rooms())
    assert all(others <= rooms().keys() for others in rooms().values())
    for name in modules():
        if name.split(".")[0] in PRODUCT:
            room_of(name)


def test_a_room_imports_only_what_the_page_lets_it() -> None:
    allowed = rooms()
    wrong = set()
    for name in modules():
        if name.split(".")[0] not in PRODUCT:
            continue
        room = room_of(name)
        for target, _ in imports(name):
            other = room_of(target)
            if other not in {room, room.rpartition("/")[0], *allowed[room]}:
                wrong.add(f"{name} ({room}) imports {target} ({other})")
    assert not wrong


def test_the_page_lets_a_room_import_nothing_that_it_does_not_import() -> None:
    unused = {(room, other) for room, others in rooms().items() for other in others}
    for name in modules():
        if name.split(".")[0] in PRODUCT:
            unused -= {(room_of(name), room_of(target)) for target, _ in imports(name)}
    assert not unused


def test_no_command_imports_another() -> None:
    wrong = [
        f"{name} imports {target}"
        for name in modules()
        for target, _ in imports(name)
        if name.startswith("cli.commands.") and target.startswith("cli.commands.")
    ]
    assert not wrong


def test_functions_know_nothing_of_where_they_run() -> None:
    for name in modules():
        if name.startswith("functions."):
            assert not [target for target, _ in imports(name) if target.split(".")[0] != "functions"], name


def test_nobody_imports_private_names() -> None:
    wrong = [
        f"{name}: {target}.{taken}"
        for name in modules()
        if not name.startswith("tests.")
        for target, taken in (*imports(name), *attributes_of_modules(name))
        if taken and taken.startswith("_") and not taken.startswith("__")
    ]
    assert not wrong


def test_no_test_imports_another_test() -> None:
    wrong = [
        f"{name} imports {target}"
        for name in modules()
        for target in (*(target for target, _ in imports(name)), *imports_of_code_in_strings(name))
        if target.startswith("tests.") and re.search(r"\.(test_\w+|conftest)$", target)
    ]
    assert not wrong


def test_imports_run_in_no_circle() -> None:
    targets = {name: {target for target, _ in imports(name)} - {name} for name in modules()}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join([*way[way.index(name) :], name])
        if name not in done:
            for target in sorted(targets[name]):
                visit(target, (*way, name))
            done.add(name)

    for name in targets:
        visit(name, ())


def test_the_files_that_the_page_names_exist() -> None:
    named = re.findall(
        r"`((?:functions|sql|infra|cli|local|dashboards|tests|docs)/[a-z0-9_/]+(?:\.[a-z]+|/))(?::\w+)?`",
        PAGE.read_text(),
    )
    assert len(named) > 15
    for path, function in re.findall(r"`((?:functions|cli|local|infra)/[a-z0-9_/]+\.py):(\w+)`", PAGE.read_text()):
        assert f"def {function}(" in (REPOSITORY / path).read_text(encoding="utf-8"), f"{path}:{function}"
    assert [path for path in named if not (REPOSITORY / path).exists()] == []


def test_each_guarantee_names_a_test_that_exists() -> None:
    text = (REPOSITORY / "docs" / "guarantees.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 50
    for path, test in named:
        assert (REPOSITORY / path).is_file(), path
        assert not test or f"def {test}(" in (REPOSITORY / path).read_text(encoding="utf-8"), f"{path}::{test}"


def test_the_front_door_is_short_and_its_links_lead_somewhere() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 130
    for page in (REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").glob("*.md")):
        for link in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_migrations_are_numbered_without_gaps() -> None:
    read_migrations()


def test_decisions_are_numbered_without_gaps() -> None:
    numbered = sorted((REPOSITORY / "docs" / "adr").glob("*.md"))
    assert [int(page.name[:4]) for page in numbered] == list(range(1, len(numbered) + 1))
    assert all(page.read_text(encoding="utf-8").startswith(f"# {int(page.name[:4])}. ") for page in numbered)
