"""The page's files as they are served, below a stage too, and only they."""

from pathlib import Path
from types import ModuleType

import httpx
import pytest

from functions.api.resources import dashboard
from tests.support.served_api import Invoke


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built page in place of the real one."""
    folder = tmp_path / "dist"
    (folder / "fonts").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>é</title>", encoding="utf-8")
    (folder / "app-4F7ZQ2KD.js").write_text("export {}", encoding="utf-8")
    (folder / "fonts" / "a.svg").write_text("<svg/>", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    monkeypatch.setattr(dashboard, "BUILT", folder)
    return folder


def test_the_page_is_served_with_a_strict_policy(client: httpx.Client, built: Path) -> None:
    answer = client.get("/dashboard")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text == (built / "index.html").read_text(encoding="utf-8")
    policy = answer.headers["content-security-policy"].split("; ")
    assert policy[0] == "default-src 'none'"
    assert "script-src 'self'" in policy
    assert not any("unsafe" in part or "http" in part or "*" in part for part in policy)
    assert client.get("/dashboard", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_files_named_by_their_content_are_kept_for_good(client: httpx.Client, built: Path) -> None:
    script = client.get("/dashboard/app-4F7ZQ2KD.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in script.headers["cache-control"]
    assert client.get("/dashboard/fonts/a.svg").headers["cache-control"] == "no-cache"


def test_nothing_but_the_built_files_is_served(client: httpx.Client, built: Path) -> None:
    for path in (
        "nothing.js",
        "../secret.txt",
        "..%2Fsecret.txt",
        "%2e%2e/secret.txt",
        "fonts",
        "fonts/../../secret.txt",
    ):
        answer = client.get(f"/dashboard/{path}")
        assert answer.status_code == 404, path
        assert "secret" not in answer.text


def test_a_slash_at_the_end_leads_to_the_page_below_the_stage_too(
    client: httpx.Client, built: Path, invoke: Invoke, handler: ModuleType
) -> None:
    assert client.get("/dashboard/").headers["location"] == "/dashboard"
    assert invoke("/dashboard/")["headers"]["location"] == "/v1/dashboard"
    answer = invoke("/dashboard")
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)


def test_a_page_that_was_not_built_says_how(
    client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashboard, "BUILT", tmp_path / "none")
    answer = client.get("/dashboard")
    assert answer.status_code == 503
    assert "make install" in answer.json()["detail"]


def test_a_file_is_compressed_once_for_those_who_take_it(
    client: httpx.Client, invoke: Invoke, handler: ModuleType, built: Path
) -> None:
    path = "/dashboard/app-4F7ZQ2KD.js"
    packed, plain = client.get(path), client.get(path, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text == "export {}"
    assert all("Accept-Encoding" in each.headers["vary"] for each in (packed, plain))
    answer = invoke(path)  # API Gateway compresses by itself
    assert (answer["body"], answer["isBase64Encoded"]) == ("export {}", False)
