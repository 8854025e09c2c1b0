"""c360 model and c360 sql render: problems have their place, changes become a migration, SQL is printed."""

import shutil
from pathlib import Path

import pytest

from functions.common.sql_files import SQL_FOLDER
from tests.support.command_line import C360
from tests.support.edited_model import edited

TEXT = (SQL_FOLDER / "model.yaml").read_text(encoding="utf-8")
LAST_CUSTOMER_COLUMN = "      customer_segment: {type: text}\n"
WITH_LOYALTY = TEXT.replace(LAST_CUSTOMER_COLUMN, LAST_CUSTOMER_COLUMN + "      loyalty: {type: text}\n").replace(
    "city, customer_segment]", "city, customer_segment, loyalty]"
)


def model_file(text: str) -> str:
    Path("model.yaml").write_text(text, encoding="utf-8")
    return "model.yaml"


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SQL_FOLDER / "migrations", tmp_path / "migrations"))


def test_the_models_own_file_is_right_and_its_migrations_build_it(c360: C360) -> None:
    done = c360("model", "check", "--json")
    assert done.status == 0
    assert done.json == {"valid": True, "problems": [], "warnings": [], "migration_needed": False}


def test_every_problem_is_shown_with_its_place(c360: C360) -> None:
    text = TEXT.replace("measures:", "measurs:").replace("hash_key: order_hash_key", "hash_kee: order_hash_key")
    done = c360("model", "check", model_file(text))
    assert done.status == 1
    shown = done.stdout.splitlines()
    assert len(shown) == 2
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "measurs" in each)
    assert shown[0] == f"model.yaml:{line}:5: sources.transactions.measurs: unknown key; did you mean measures?"
    assert done.stderr.strip() == f"c360: model.yaml has 2 problems; the first is in line {line}"
    answer = c360("model", "check", "model.yaml", "--json")
    assert answer.status == 1
    assert answer.json["valid"] is False
    assert answer.json["error"]["code"] == "model"
    assert answer.json["problems"][0] == {
        "line": line,
        "column": 5,
        "field": "sources.transactions.measurs",
        "message": "unknown key; did you mean measures?",
    }


def test_a_file_that_is_not_there_is_one_clear_line(c360: C360) -> None:
    done = c360("model", "check", "no-such-file.yaml", "--json")
    assert done.status == 1
    assert done.json["error"]["code"] == "file"


def test_a_change_becomes_the_next_migration_once(c360: C360, migrations: Path) -> None:
    number = len(list(migrations.glob("*.sql")))
    file = model_file(WITH_LOYALTY)
    assert c360("model", "check", file, "--json").json["migration_needed"] is True
    arguments = ("model", "migration", "--model", file, "--migrations", str(migrations), "--json")
    done = c360(*arguments, "--name", "add_loyalty")
    assert done.status == 0
    written = migrations / f"{number + 1:04}_add_loyalty.sql"
    assert Path(done.json["file"]) == written
    assert written.read_text() == done.json["sql"]
    assert 'alter table "raw_vault"."sat_customer_details" add column "loyalty" text;' in done.json["sql"]
    assert c360(*arguments, "--name", "again").json == {"file": None, "sql": None}


def test_a_change_that_takes_away_is_refused_at_its_place(c360: C360, migrations: Path) -> None:
    file = model_file(TEXT.replace("signup_date: {type: date}", "signup_date: {type: timestamp}"))
    done = c360("model", "migration", "--name", "x", "--model", file, "--migrations", str(migrations), "--json")
    assert done.status == 1
    [problem] = done.json["problems"]
    assert problem["field"] == "sources.customers.columns.signup_date.type"
    assert problem["message"] == "column signup_date is date in the vault: add a column of another name"
    assert "signup_date: {type" in TEXT.splitlines()[problem["line"] - 1]
    assert not list(migrations.glob("*_x.sql"))


@pytest.mark.parametrize("name", ["Add", "a-b", "", "../x"])
def test_a_name_that_no_migration_can_have_is_refused(c360: C360, name: str) -> None:
    assert c360("model", "migration", "--name", name).status == 2


def test_sql_is_rendered_by_kind_table_and_source(c360: C360) -> None:
    every = c360("sql", "render", "--json").json["statements"]
    assert {each["kind"] for each in every} == {"ddl", "stage", "load", "checks"}
    assert {each["table"] for each in every if each["kind"] == "ddl"} >= {
        "staging.customers",
        "raw_vault.hub_order",
        "raw_vault.link_order_product",
        "raw_vault.sat_order_line_status",
    }
    hub = c360("sql", "render", "--table", "hub_customer", "--kind", "load", "--json").json["statements"]
    assert [each["name"] for each in hub] == [
        f"load hub_customer from {each}" for each in ("customers", "transactions")
    ]
    products = c360("sql", "render", "--source", "products", "--json").json["statements"]
    assert products == [each for each in every if "products" in each["sources"]]


def test_rendered_sql_reads_as_a_script_with_a_comment_before_each_statement(c360: C360) -> None:
    done = c360("sql", "render", "--table", "raw_vault.link_order_product")
    assert done.stdout.startswith('-- ddl: create raw_vault.link_order_product\ncreate table "raw_vault"')
    assert "\n\n-- load: load link_order_product from transactions\ninsert into" in done.stdout
    assert done.stdout.endswith(";\n")


def test_a_table_or_source_that_the_model_lacks_is_refused_with_those_it_has(c360: C360) -> None:
    assert "hub_order" in c360("sql", "render", "--table", "hub_orders").stderr
    assert c360("sql", "render", "--source", "shops").status == 2
    assert c360("sql", "render", "--model", model_file("sources: {}"), "--json").json["error"]["code"] == "model"


def test_what_looks_personal_and_is_not_declared_is_named(c360: C360, tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    file.write_text(edited("sources.customers.columns.phone", {"type": "text"}), encoding="utf-8")
    (warning,) = c360("model", "check", str(file), "--json").json["warnings"]
    assert warning.startswith("sources.customers.columns.phone looks like phone")
    assert warning in c360("model", "check", str(file)).stdout
