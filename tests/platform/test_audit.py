"""The audit trail of a real platform: loads and reads are in it, and it is verified through the deployed function."""

from typing import Any

import httpx

from tests.support.platform import Platform


def test_a_load_and_a_read_are_in_the_trail_and_it_holds(platform: Platform, loaded: dict[str, Any]) -> None:
    url = platform.outputs.local_api_url or ""
    customer_id = httpx.get(f"{url}/customers?limit=1", trust_env=False).json()["items"][0]["customer_id"]
    gateway = f"{platform.outputs.api_url.rstrip('/')}/customers/{customer_id}"
    assert httpx.get(gateway, trust_env=False, timeout=30).status_code == 200
    records = platform.json("audit", "list", "--customer", customer_id)["records"]
    assert {(record["action"], record["route"]) for record in records} == {("read", "/customers/{customer_id}")}
    assert any(
        record["action"] == "load" and record["run_id"] == loaded["run_id"]
        for record in platform.json("audit", "list", "--limit", "1000")["records"]
    )
    verified = platform.json("audit", "verify")
    assert verified["records"] >= 2
    assert platform.json("audit", "verify", "--noted", verified["newest_hash"])["records"] >= verified["records"]
    refused = platform.c360("audit", "verify", "--noted", "0" * 64)
    assert refused.returncode == 1
    assert "rewritten" in refused.stderr
    stores = {row[0] for row in platform.rows("select distinct store from metadata.retention_result")}
    assert stores == {"audit", "dead_letters", "events", "quarantine", "unknown_columns"}
