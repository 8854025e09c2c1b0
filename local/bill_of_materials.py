"""What the project is built of: `make sbom` (CycloneDX) and `make notices` (licences), from the lock files.

python -m local.bill_of_materials sbom|notices
"""

import base64
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distributions, version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from local.paths import ENVIRONMENTS, REPOSITORY

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
_LICENCE_FILE = re.compile(r"(licen[cs]e|copying|notice|authors)", re.IGNORECASE)
_NPM_LOCKS = ("package-lock.json", "dashboards/web/package-lock.json")
_ENVIRONMENTS = (REPOSITORY / ".venv", ENVIRONMENTS / "localstack", ENVIRONMENTS / "lambda-runtime")


@dataclass
class Package:
    """One version of a package, the locks that pin it, and its licence as its own metadata says it."""

    kind: str  # pypi or npm, as package URLs name them
    name: str
    version: str
    locks: list[str] = field(default_factory=list)
    licence: str | None = None
    licence_files: list[Path] = field(default_factory=list)
    sha512: str | None = None

    @property
    def url(self) -> str:
        """https://github.com/package-url/purl-spec"""
        return f"pkg:{self.kind}/{quote(self.name, safe='/')}@{quote(self.version)}"


def packages(repository: Path = REPOSITORY) -> list[Package]:
    """Every package of every lock file, by name; licences of those that are installed."""
    found: dict[str, Package] = {}
    for package in (*_python_packages(repository), *_npm_packages(repository)):
        known = found.setdefault(package.url, package)
        known.locks = sorted({*known.locks, *package.locks})
        known.licence_files = known.licence_files or package.licence_files
    return sorted(found.values(), key=lambda package: package.url)


def sbom(found: list[Package]) -> dict[str, Any]:
    """A CycloneDX 1.6 document (https://cyclonedx.org/docs/1.6/json/), the same for the same lock files."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "c360", "version": version("c360")}},
        "components": [
            {
                "type": "library",
                "bom-ref": package.url,
                "name": package.name,
                "version": package.version,
                "purl": package.url,
                **({"licenses": [{"license": {"name": package.licence}}]} if package.licence else {}),
                **({"hashes": [{"alg": "SHA-512", "content": package.sha512}]} if package.sha512 else {}),
                "properties": [{"name": "c360:lock", "value": lock} for lock in package.locks],
            }
            for package in found
        ],
    }


def notices(found: list[Package]) -> Iterator[str]:
    """Name, version, licence and licence texts of each package; what is not installed here has no text."""
    for package in found:
        licence = package.licence or "not installed here"
        yield f"{'=' * 80}\n{package.name} {package.version} ({package.kind}): {licence}\n"
        yield from (f"\n{file.read_text(errors='replace').strip()}\n" for file in package.licence_files)


def _python_packages(repository: Path) -> Iterator[Package]:
    places = [str(place) for each in _ENVIRONMENTS for place in each.glob("lib/python*/site-packages")]
    installed = {(_normal(one.name), one.version): one for one in distributions(path=places)}
    for lock in sorted(repository.glob("requirements/*.txt")):
        for name, pinned in _PINNED.findall(lock.read_text()):
            package = Package("pypi", _normal(name), pinned, [str(lock.relative_to(repository))])
            if distribution := installed.get((package.name, pinned)):
                package.licence, package.licence_files = _licence(distribution), _licence_files(distribution)
            yield package


def _npm_packages(repository: Path) -> Iterator[Package]:
    for lock in _NPM_LOCKS:
        for place, entry in json.loads((repository / lock).read_text())["packages"].items():
            if not place:
                continue
            folder = repository / Path(lock).parent / place
            algorithm, _, digest = entry.get("integrity", "").partition("-")
            yield Package(
                "npm",
                place.rpartition("node_modules/")[2],
                entry["version"],
                [lock],
                entry.get("license"),
                sorted(file for file in folder.glob("*") if file.is_file() and _LICENCE_FILE.match(file.name)),
                base64.b64decode(digest).hex() if algorithm == "sha512" else None,
            )


def _licence(distribution: Distribution) -> str | None:
    metadata = distribution.metadata
    classified = [name.rpartition(":: ")[2] for name in metadata.get_all("Classifier", []) if "License ::" in name]
    text = metadata.get("License-Expression") or ", ".join(classified) or metadata.get("License") or ""
    return text.splitlines()[0] if text else None


def _licence_files(distribution: Distribution) -> list[Path]:
    # Beside the metadata, not in the code, where a module may be called licence.
    listed = [file for file in distribution.files or [] if file.parts[0].endswith(".dist-info")]
    files = (Path(str(file.locate())) for file in listed if _LICENCE_FILE.match(file.name))
    return sorted(file for file in files if file.is_file())


def _normal(name: str) -> str:
    """A name as PyPI compares names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["sbom"]:
            sys.stdout.write(json.dumps(sbom(packages()), indent=2, ensure_ascii=False) + "\n")
        case ["notices"]:
            sys.stdout.writelines(notices(packages()))
        case _:
            sys.exit(__doc__)
