"""The bundle holds what the functions need, for the machine they run on, and only changes when that does."""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.constructs import bundle
from infra.constructs.bundle import CERTIFICATES, Machine, build_bundle, bundle_hash, tree_hash
from infra.errors import BundleError
from infra.options import BundlePlatform
from tests.support.synthesis import REPOSITORY

HOST = Machine.of(BundlePlatform.HOST)
LAMBDA = Machine.of(BundlePlatform.LAMBDA)
LAMBDA_RUNTIME = REPOSITORY / ".environments" / "lambda-runtime" / "bin" / "python"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("build")


@pytest.fixture(scope="module")
def host_bundle(cache: Path) -> Path:
    return build_bundle(HOST, cache=cache)


@pytest.fixture(scope="module", params=[HOST, LAMBDA], ids=["host", "lambda"])
def package(request: pytest.FixtureRequest, cache: Path) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(build_bundle(request.param, cache=cache)) as archive:
        yield archive


def test_it_holds_code_sql_certificates_and_dependencies(package: zipfile.ZipFile) -> None:
    names = set(package.namelist())
    expected = {"functions/common/settings.py", "sql/migrations/0001_foundation.sql", CERTIFICATES}
    assert expected <= names
    assert {"psycopg", "fastapi", "mangum", "pydantic", "aws_lambda_powertools"} <= {n.split("/")[0] for n in names}


def test_it_holds_nothing_needless(package: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in package.namelist()}
    assert not tops & {"boto3", "botocore", "tests", "bin", "infra", "cli", "local"}, "the runtime has boto3"
    assert not [n for n in package.namelist() if "/tests/" in n or n.endswith((".pyi", "/RECORD"))]
    assert len(package.namelist()) == len(set(package.namelist()))


def test_it_stays_far_below_lambdas_limit(package: zipfile.ZipFile) -> None:
    assert sum(entry.file_size for entry in package.infolist()) < 60 * 1024**2


@pytest.mark.skipif(sys.version_info[:2] != (3, 13), reason="bytecode is made by the Python it is for")
def test_every_module_is_compiled_and_needs_no_check_at_a_cold_start(package: zipfile.ZipFile) -> None:
    names = set(package.namelist())
    modules = [n for n in names if n.endswith(".py") and "-" not in n]
    assert len(modules) > 500
    for module in modules:
        folder, _, name = module.rpartition("/")
        compiled = f"{folder}/__pycache__/{name[:-3]}.cpython-313.pyc".lstrip("/")
        assert compiled in names
        head = package.read(compiled)[:8]
        assert head[:4] == importlib.util.MAGIC_NUMBER
        assert int.from_bytes(head[4:], "little") == 0b01, "hash-based and unchecked (PEP 552)"


def test_binaries_are_for_lambdas_processor(cache: Path) -> None:
    with zipfile.ZipFile(build_bundle(LAMBDA, cache=cache)) as archive:
        libraries = [n for n in archive.namelist() if n.endswith(".so") or ".so." in n]
        assert libraries
        for library in libraries:
            machine = int.from_bytes(archive.read(library)[18:20], "little")
            assert machine == 0xB7, f"{library} is not for arm64"


def test_every_handler_loads_from_the_bundle_in_lambdas_runtime(host_bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(host_bundle) as archive:
        archive.extractall(tmp_path / "code")
    modules = ("load.handler", "load.plan.run_end_handler", "load.schema.migrate_handler", "api.handler")
    program = f"""
import importlib, sys
sys.path.insert(0, {str(tmp_path / "code")!r})
for name in {modules!r}:
    assert callable(importlib.import_module("functions." + name).handle), name
import psycopg
assert psycopg.__file__.startswith({str(tmp_path)!r}), psycopg.__file__
assert psycopg.pq.__impl__ == "binary"
"""
    environment = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "LANDING_BUCKET": "none"}
    done = subprocess.run(
        [LAMBDA_RUNTIME, "-I", "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_same_inputs_give_the_same_bytes(host_bundle: Path, tmp_path: Path) -> None:
    again = build_bundle(HOST, cache=tmp_path)
    assert again.name == host_bundle.name
    assert _sha256(again) == _sha256(host_bundle)


def test_a_change_of_code_bundles_again_without_installing(
    host_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for source in bundle.SOURCES:
        shutil.copytree(REPOSITORY / source, tmp_path / source)
    monkeypatch.setattr(bundle, "REPOSITORY", tmp_path)
    monkeypatch.setattr(bundle, "_install", lambda *_: pytest.fail("installed again"))
    unchanged = bundle_hash(HOST)
    (tmp_path / "functions" / "__pycache__").mkdir(exist_ok=True)
    (tmp_path / "functions" / "__pycache__" / "x.pyc").write_bytes(b"cache")
    assert bundle_hash(HOST) == unchanged == host_bundle.stem.removeprefix("bundle-")
    (tmp_path / "functions" / "common" / "new.py").write_text("NEW = 1\n")
    changed = build_bundle(HOST, cache=host_bundle.parent)
    assert changed != host_bundle
    with zipfile.ZipFile(changed) as archive:
        assert archive.read("functions/common/new.py") == b"NEW = 1\n"


@pytest.mark.parametrize("what", ["lock", "platform", "python", "certificates"])
def test_its_hash_changes_with_each_input(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = bundle_hash(HOST)
    machine, requirements = HOST, bundle.REQUIREMENTS
    if what == "lock":
        requirements = tmp_path / "functions.txt"
        requirements.write_text(bundle.REQUIREMENTS.read_text() + "# changed\n")
    elif what == "certificates":
        monkeypatch.setattr(bundle, "rds_certificates", lambda: b"changed")
    else:
        machine = Machine("3.12", HOST.platform) if what == "python" else Machine(HOST.python, "aarch64-manylinux_2_28")
    assert bundle_hash(machine, requirements) != before


def test_a_registry_out_of_reach_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    with pytest.raises(BundleError, match="is the package registry reachable") as error:
        build_bundle(HOST, cache=tmp_path / "build")
    assert "\n" not in str(error.value)
    assert not list((tmp_path / "build").iterdir()), "a failed build leaves nothing behind"


def test_old_bundles_are_forgotten(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"bundle-{number}.zip").write_bytes(b"")
    bundle._forget_old_bundles(tmp_path)
    assert len(list(tmp_path.iterdir())) == 6


def test_a_trees_hash_tells_names_from_contents(tmp_path: Path) -> None:
    first, second = tmp_path / "1" / "t", tmp_path / "2" / "t"
    for folder, files in ((first, {"a": "bc", "d": ""}), (second, {"a": "b", "cd": ""})):
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_text(content)
    assert tree_hash(first) != tree_hash(second)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _pinned(name: str) -> dict[str, str]:
    lines = (REPOSITORY / "requirements" / name).read_text().splitlines()
    return dict(line.split(" ")[0].split("==") for line in lines if "==" in line and not line.startswith(" "))


def test_the_export_carries_what_its_tests_ran_with_and_the_others_do_not() -> None:
    heavy = {"awswrangler", "numpy", "pandas", "pyarrow"}
    export, tested = _pinned("export.txt"), _pinned("dev.txt")
    assert heavy <= export.keys()
    assert {name: version for name, version in export.items() if tested[name] != version} == {}
    assert not heavy & _pinned("functions.txt").keys()
    assert bundle_hash(HOST) != bundle_hash(HOST, bundle.EXPORT_REQUIREMENTS)


def test_the_topics_maker_carries_the_kafka_client_that_its_tests_ran_with() -> None:
    topic, tested = _pinned("topic.txt"), _pinned("dev.txt")
    assert {"aws-msk-iam-sasl-signer-python", "confluent-kafka"} <= topic.keys()
    assert {name: version for name, version in topic.items() if tested[name] != version} == {}
