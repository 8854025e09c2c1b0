"""Hubs, links and satellites are loaded at the same time: whichever is first, the night is the same."""

from collections.abc import Callable
from itertools import permutations

import pytest

from functions.common.database import Connection
from functions.load.vault.hubs import load_hubs
from functions.load.vault.links import load_links
from functions.load.vault.satellites import load_satellites
from functions.load.vault.table_load import Loaded
from functions.model.declaration import Model
from tests.support.csv_files import transactions
from tests.support.night import Night

type Step = Callable[[Connection, Model, str], Loaded]

KEY = "transactions/dt=2024-01-01/a.csv"


@pytest.mark.parametrize("steps", [*permutations((load_hubs, load_links, load_satellites))])
def test_whichever_step_is_first_retracts_what_the_run_replaces(night: Night, steps: tuple[Step, ...]) -> None:
    night.drop(KEY, transactions({"transaction_id": "T1"}, {"transaction_id": "T2", "quantity": "1"}))
    night.run()
    night.drop(KEY, transactions({"transaction_id": "T2", "quantity": "3"}))
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    night.check(run_id, "staging")
    for step in steps:
        with night.connect() as connection:
            assert step(connection, night.model, run_id).is_done
    assert night.rows(f"select rows from metadata.load_step where run_id = '{run_id}' and step = 'retract'") == [(1,)]
    night.check(run_id, "vault")
    night.publish(run_id)
    assert night.finish(run_id)["status"] == "SUCCEEDED"
    assert night.rows("select transaction_id, quantity from business_vault.vw_order_analytics") == [("T2", 3)]
