"""The model that the tables of the database were built from: the one that the last migration of the model records."""

from collections.abc import Sequence

from functions.common.errors import MigrationError
from functions.load.schema.migrate import Migration
from functions.model.declaration import Model
from functions.model.errors import ModelFileError
from functions.model.reading import parse_model
from functions.model.render.recorded_model import recorded_text


def recorded_model(migrations: Sequence[Migration]) -> Model:
    """The model that the migrations have built the tables of. Raises MigrationError when none says so."""
    for migration in reversed(migrations):
        text = recorded_text(migration.text)
        if text is not None:
            try:
                return parse_model(text)
            except ModelFileError as error:
                raise MigrationError("the model recorded in a migration cannot be read", name=migration.name) from error
    raise MigrationError("no migration records the model that it was rendered from")
