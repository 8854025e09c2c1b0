"""Reading the model file that a command is given, and showing what is wrong with it."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.errors import FileProblemError, ModelProblemsError
from cli.output import Output

if TYPE_CHECKING:
    from functions.model.declaration import Model
    from functions.model.errors import Problem

ModelOption = Annotated[Path | None, typer.Option("--model", help="A model file other than sql/model.yaml.")]


def read_model(file: Path | None, output: Output) -> tuple[Path, str, "Model"]:
    """The model file (sql/model.yaml when None), its text, and the model.

    Raises FileProblemError, or ModelProblemsError after it has shown every problem.
    """
    from functions.common.sql_files import SQL_FOLDER
    from functions.model.errors import ModelFileError
    from functions.model.reading import parse_model

    path = as_typed(file or SQL_FOLDER / "model.yaml")
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileProblemError(f"cannot read {path}: {error}", file=str(path)) from error
    try:
        return path, text, parse_model(text)
    except ModelFileError as error:
        raise refused(path, error.problems, output) from error


def refused(path: Path, problems: "tuple[Problem, ...]", output: Output) -> ModelProblemsError:
    """Show every problem, in the form that editors follow to its place; the error to raise."""
    for problem in problems:
        output.show(f"{path}:{problem.line}:{problem.column}: {problem.field}: {problem.message}")
    count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
    error = ModelProblemsError(f"{path} has {count}; the first is in line {problems[0].line}", file=str(path))
    error.is_reported = True
    shown = {"code": error.code, "message": error.message, **error.fields}
    output.result({"valid": False, "problems": [asdict(problem) for problem in problems], "error": shown})
    return error


def as_typed(path: Path) -> Path:
    """The path as one would type it here."""
    resolved = path.resolve()
    return resolved.relative_to(Path.cwd()) if resolved.is_relative_to(Path.cwd()) else path
