"""Read a model from its file, or say everything that is wrong with it."""

from functools import cache

from pydantic import ValidationError

from functions.common.sql_files import SQL_FOLDER
from functions.model.column_checks import wrong_checks
from functions.model.declaration import Model
from functions.model.errors import ModelFileError, located, problems_of, read_yaml, with_keys_as_meant
from functions.model.references import wrong_references

MODEL_FILE = SQL_FOLDER / "model.yaml"


def parse_model(text: str) -> Model:
    """Read a model from YAML text. Raises ModelFileError, which names all that is wrong by line and field."""
    content = read_yaml(text)
    problems = []
    try:
        model = Model.model_validate(content)
    except ValidationError as error:
        problems = problems_of(text, Model, error, kinds=("extra_forbidden",))
        try:
            model = Model.model_validate(with_keys_as_meant(content, Model, error))
        except ValidationError as further:
            raise ModelFileError(problems + problems_of(text, Model, further)) from error
    problems += located(text, [*wrong_references(model), *wrong_checks(model)])
    if problems:
        raise ModelFileError(problems)
    return model


@cache
def load_model() -> Model:
    """The project's own model, sql/model.yaml."""
    return parse_model(MODEL_FILE.read_text(encoding="utf-8"))
