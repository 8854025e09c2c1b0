"""Statements of the marts read whole tables for many keys, and look few keys up."""

import pytest
from psycopg import sql

from functions.load.marts.publish import MARTS
from functions.model.render.marts import FEW_KEYS, Scope


def statements(scope: Scope) -> list[str]:
    composed: list[sql.Composable] = [scope.owners, scope.reconciliation(), *map(scope.statement, MARTS)]
    return [each.as_string(None) for each in composed]


@pytest.mark.parametrize("scope", [Scope(), Scope(FEW_KEYS + 1)], ids=["all keys", "many keys"])
def test_of_many_keys_none_is_looked_up_by_itself(scope: Scope) -> None:
    """Without nested loops, each look-up in a join of tables would read one of them whole."""
    assert not [text for text in statements(scope) if "cross join lateral" in text]


def test_few_keys_are_looked_up() -> None:
    assert "cross join lateral" in Scope(FEW_KEYS).owners.as_string(None)
    assert [text for text in statements(Scope(FEW_KEYS)) if "_as_of" in text]
