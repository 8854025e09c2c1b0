"""A private platform does its work, and lets nobody in but the holders of its keys."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.support.platform import Platform, eventually

CUSTOMERS = "customer_id,first_name,email\nP-1,Ada,ada@example.com\n"
BOTO3 = "import boto3; print(*(each['Name'] for each in boto3.client('s3').list_buckets()['Buckets']))"


def test_files_are_loaded_and_events_stored(private_platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text(CUSTOMERS)
    private_platform.json("drop", str(file), "--date", "2026-11-02")
    run = private_platform.json("run", "--wait")
    assert run["status"] == "SUCCEEDED"
    stored = "select sum(event_count) from business_vault.real_time_metrics"
    [(before,)] = private_platform.rows(stored)
    private_platform.json("produce", "--count", "20", "--rate", "20")
    eventually(lambda: private_platform.rows(stored) > [((before or 0),)], 60)
    status = private_platform.json("status")
    assert {name: part["state"] for name, part in status.items() if part["state"] != "running"} == {}


def test_the_shared_credentials_open_nothing(private_platform: Platform) -> None:
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        private_platform.client("stepfunctions").start_execution(
            stateMachineArn=private_platform.outputs.state_machine_arn, input="{}"
        )
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        private_platform.client("s3").list_objects_v2(Bucket=private_platform.outputs.landing_bucket)


def test_what_c360_env_prints_opens_it_to_boto3(private_platform: Platform) -> None:
    printed = private_platform.c360("env")
    assert printed.returncode == 0, printed.stderr
    script = f'{printed.stdout}\n"$0" -c "$1"'
    done = subprocess.run(
        ["sh", "-c", script, sys.executable, BOTO3],
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=True,
    )
    assert private_platform.outputs.landing_bucket in done.stdout.split()
    assert private_platform.json("env")["AWS_ENDPOINT_URL"] == private_platform.outputs.aws_endpoint_url


def test_both_ways_to_the_api_ask_for_its_key(private_platform: Platform) -> None:
    key = private_platform.outputs.api_key
    assert key
    for base in (private_platform.outputs.api_url, private_platform.outputs.local_api_url):
        url = f"{(base or '').rstrip('/')}/customers?limit=1"
        for headers in ({}, {"X-Api-Key": "another"}):
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(urllib.request.Request(url, headers=headers))
        with urllib.request.urlopen(urllib.request.Request(url, headers={"X-Api-Key": key})) as answer:
            assert answer.status == 200
