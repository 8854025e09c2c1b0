"""The generator: its SQL is what the golden files hold."""

import pytest

from tests.model.golden import FOLDER, rendered

AGAIN = "if the change is meant: python -m tests.model.golden"


@pytest.mark.parametrize("name", rendered())
def test_the_model_renders_the_golden_sql(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == rendered()[name], AGAIN


def test_there_is_no_golden_file_that_nothing_renders() -> None:
    assert {path.name for path in FOLDER.glob("*.sql")} == set(rendered())
