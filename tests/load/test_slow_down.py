"""S3 answers `503 Slow Down` to whatever it is asked first: each step is worth another try, and the night ends."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, cast

import psycopg
import pytest
from botocore.exceptions import ClientError

from functions.audit.chain import append
from functions.audit.shipment import ship
from functions.common.errors import TRANSIENT_ERROR_NAMES, TransientError
from functions.load.lake.export import export, read_manifest
from functions.load.plan import manifest
from functions.load.plan.manifest import write_manifest
from tests.support.csv_files import customers, transactions
from tests.support.night import BUCKET, Night

RETRIES = 3
"""As infra/constructs/load_tasks.py has them."""


class SlowS3:
    """Refuses the first call of each kind for each key, in the words of S3's error."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        self.asked = Counter[tuple[str, str]]()

    def __getattr__(self, name: str) -> Any:
        if name in ("exceptions", "meta"):
            return getattr(self._s3, name)
        return self._paginator if name == "get_paginator" else self._slowed(name, getattr(self._s3, name))

    def _paginator(self, name: str) -> Any:
        paginator = self._s3.get_paginator(name)

        class Slowed:
            paginate = staticmethod(self._slowed(name, paginator.paginate))

        return Slowed()

    def _slowed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def slowed(**arguments: Any) -> Any:
            place = (name, str(arguments.get("Key", "")).rpartition("/")[2])
            self.asked[place] += 1
            if self.asked[place] == 1:
                answer: Any = {"Error": {"Code": "SlowDown"}, "ResponseMetadata": {"HTTPStatusCode": 503}}
                raise ClientError(answer, name)
            return call(**arguments)

        return slowed


@pytest.fixture
def slow(night: Night) -> Iterator[SlowS3]:
    """The night's S3 from now on."""
    night.s3.create_bucket(Bucket="the-lake")
    night.s3.create_bucket(Bucket="copies")
    night.drop("customers/dt=2024-01-01/a.csv", customers({"customer_id": "C1"}))
    night.drop("transactions/dt=2024-01-01/b.csv", transactions({}))
    quick, slowed = night.s3, SlowS3(night.s3)
    night.s3 = cast(Any, slowed)
    yield slowed
    night.s3 = quick


def tried[T](step: Callable[[], T]) -> T:
    """As the state machine does it: again on the errors that its retries name, and on no others."""
    for _ in range(RETRIES):
        try:
            return step()
        except TransientError as error:
            if type(error).__name__ not in TRANSIENT_ERROR_NAMES:
                raise
    return step()


def test_a_night_in_which_s3_slows_down_every_call_ends_as_any_other(
    night: Night, slow: SlowS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "INLINE_LIMIT", 1)
    run_id, object_ids = tried(lambda: night.plan("run-1"))
    items = [{"object_id": object_id} for object_id in object_ids]
    assert tried(lambda: write_manifest(night.s3, BUCKET, run_id, "files", items)) == "manifests/run-1/files.json"
    assert [tried(lambda: night.stage(run_id, [each])) for each in object_ids] == [["STAGED"]] * 2  # noqa: B023
    night.check(run_id, "staging")
    night.load_vault(run_id)
    night.check(run_id, "vault")
    night.publish(run_id)
    assert night.finish(run_id)["totals"]["loaded"] == 2

    def shipped() -> int:
        with psycopg.connect(night.admin_url) as connection:
            append(connection, "read", route="/customers", subject="somebody", records=1)
            return ship(connection, night.s3, "copies")

    assert tried(shipped) >= 1

    def exported() -> int:
        with night.connect() as connection, connection.transaction():
            connection.execute("set transaction isolation level repeatable read")
            return sum(each.rows for each in export(connection, night.s3, "the-lake", run_id, schema="masked"))

    assert tried(exported) == 3
    assert tried(lambda: read_manifest(night.s3, "the-lake"))
    kinds = {name for name, _ in slow.asked}
    assert kinds == {"list_object_versions", "get_object", "put_object", "list_objects_v2"}
    assert min(slow.asked.values()) >= 2, "each was refused once, and asked again"
