"""The generator: its SQL is what the golden files hold, and what the first migration created."""

import pytest

from functions.load.model import SQL_FOLDER, load_model
from functions.load.render_ddl import render_ddl
from tests.unit.golden import FOLDER, rendered

AGAIN = "if the change is meant: python -m tests.unit.golden"


@pytest.mark.parametrize("name", rendered())
def test_the_model_renders_the_golden_sql(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == rendered()[name], AGAIN


def test_there_is_no_golden_file_that_nothing_renders() -> None:
    assert {path.name for path in FOLDER.glob("*.sql")} == set(rendered())


def test_the_migration_of_the_vault_is_what_the_model_renders() -> None:
    migration = (SQL_FOLDER / "migrations" / "0002_vault.sql").read_text(encoding="utf-8")
    assert migration == render_ddl(load_model()), "python -m functions.load.render_ddl > sql/migrations/0002_vault.sql"
