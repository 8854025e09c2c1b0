"""The SBOM and the notices name every pinned package, once, with its licence."""

import json
import re
from importlib.metadata import distributions

from local.bill_of_materials import notices, packages, sbom
from local.paths import REPOSITORY


def test_the_sbom_names_every_pin_of_every_lock_once() -> None:
    components = sbom(packages())["components"]
    named = {(one["purl"], each["value"]) for one in components for each in one["properties"]}
    for lock in (REPOSITORY / "requirements").glob("*.txt"):
        pins = re.findall(r"^(\S+)==(\S+)", lock.read_text(), re.MULTILINE)
        assert pins
        where = f"requirements/{lock.name}"
        assert {url for url, place in named if place == where} == {
            f"pkg:pypi/{re.sub('[-_.]+', '-', name).lower()}@{version}" for name, version in pins
        }
    for lock in (REPOSITORY / "package-lock.json", REPOSITORY / "dashboards" / "web" / "package-lock.json"):
        for place, entry in json.loads(lock.read_text())["packages"].items():
            if place:
                name = place.split("node_modules/")[-1].replace("@", "%40")
                assert (f"pkg:npm/{name}@{entry['version']}", str(lock.relative_to(REPOSITORY))) in named
    assert len({one["bom-ref"] for one in components}) == len(components)


def test_the_sbom_is_cyclonedx_and_the_same_each_time() -> None:
    document = sbom(packages())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document == sbom(packages())
    hashes = [each["content"] for one in document["components"] for each in one.get("hashes", [])]
    assert hashes
    assert all(re.fullmatch("[0-9a-f]{128}", digest) for digest in hashes)


def test_every_installed_package_has_its_licence_and_its_text_in_the_notices() -> None:
    found = packages()
    installed = {(re.sub("[-_.]+", "-", one.name).lower(), one.version) for one in distributions()}
    here = [one for one in found if one.kind == "pypi" and (one.name, one.version) in installed]
    assert len(here) > 100
    assert [one.name for one in here if not one.licence] == []
    text = "".join(notices(found))
    assert all(f"\n{one.name} {one.version} ({one.kind}): " in f"\n{text}" for one in found)
    assert text.count("Permission is hereby granted") > 20
