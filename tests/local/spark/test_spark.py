"""Spark on this machine: without the right Java it says what to install; what runs in it fails with its log."""

from pathlib import Path

import pytest

from local.spark.spark import JavaError, java_version


def _java(folder: Path, says: str) -> str:
    program = folder / "bin" / "java"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    program.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(
    ("says", "version"), [('openjdk version "17.0.15"', 17), ('openjdk version "21" 2023-09-19', 21)]
)
def test_these_versions_of_java_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, version: int) -> None:
    monkeypatch.setenv("JAVA_HOME", _java(tmp_path, says))
    assert java_version() == version


@pytest.mark.parametrize(
    ("says", "why"), [('java version "1.8.0_402"', "is version 1:"), ("no such thing", "answers nothing of use")]
)
def test_another_java_is_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, why: str
) -> None:
    monkeypatch.setenv("JAVA_HOME", _java(tmp_path, says))
    with pytest.raises(JavaError, match=f"{why}.*openjdk-17-jre-headless"):
        java_version()


def test_no_java_at_all_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(JavaError, match="none on the PATH: install it"):
        java_version()
