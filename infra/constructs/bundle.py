"""The functions' deployment package, built without Docker: dependencies, SOURCES and certificates in one zip.

Both layers are named by a hash of what goes into them and kept in `build/`, so a change of code alone costs about
a second, and no change costs nothing.
"""

import compileall
import hashlib
import os
import platform
import py_compile
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import AssetHashType
from aws_cdk import aws_lambda as lambda_

from infra.constructs.certificates import rds_certificates
from infra.errors import BundleError
from infra.options import BundlePlatform

REPOSITORY = Path(__file__).resolve().parents[2]
REQUIREMENTS = REPOSITORY / "requirements" / "functions.txt"
EXPORT_REQUIREMENTS = REPOSITORY / "requirements" / "export.txt"
"""What the lake export carries: pandas and pyarrow's own wheel. AWS's managed layer writes no zstd, and both together
are larger than what Lambda takes (aws-sdk-pandas #2445, #3331)."""
TOPIC_REQUIREMENTS = REPOSITORY / "requirements" / "topic.txt"
"""The same, and a Kafka client that signs in by IAM."""
SOURCES = ("functions", "sql", "dashboards/web/dist")
CERTIFICATES = "rds-ca-rsa2048-g1.pem"
"""File at the bundle's top with the authorities of RDS, of which Lambda's Python runtime has none."""
CACHE = REPOSITORY / "build"
LAMBDA_PYTHON = "3.13"
MAX_UNZIPPED_BYTES = 250 * 1024 * 1024
"""AWS Lambda quota: deployment package and layers, unzipped. No function has layers, so the bundle is the whole."""

_FORMAT = "3"  # raise it when this module puts the same inputs together differently
_KEPT_BUNDLES = 6
_SKIPPED_FOLDERS = {"__pycache__", "tests", "test", ".pytest_cache"}
_NEEDLESS = re.compile(
    r"""
    (^|/)(bin/|tests?/|\.lock$|[^/]+\.dist-info/(RECORD|INSTALLER|REQUESTED|WHEEL|sboms/))
    |\.(pyi|pyx|pxd|pxi)$
    # Lambda's runtime has its own
    |^(boto3|botocore|s3transfer|jmespath)[/-]
    # for building
    |^(setuptools|pkg_resources|_distutils_hack)[/-]|^distutils-precedence\.pth$
    |^pyarrow/(include|src)/
    # a protocol that nobody here speaks; its library is a fifth of the wheel
    |^pyarrow/(lib|_)?(arrow_(python_)?)?flight
    # a wheel has no links: these are copies of the library under the name by which it is loaded
    |^pyarrow/libarrow_python\w*\.so(\.\d+\.\d+\.\d+)?$
    """,
    re.VERBOSE,
)
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Machine:
    """What a bundle is built for: a Python minor version, and a `uv --python-platform` (None: this machine)."""

    python: str
    platform: str | None

    @classmethod
    def of(cls, bundle_platform: BundlePlatform) -> "Machine":
        """The machine meant by a context value. AWS Lambda's Python 3.13 is Amazon Linux 2023: glibc 2.34."""
        if bundle_platform is BundlePlatform.LAMBDA:
            return cls(LAMBDA_PYTHON, "aarch64-manylinux_2_28")
        if bundle_platform is BundlePlatform.CONTAINER:
            return cls(LAMBDA_PYTHON, f"{host_processor()}-manylinux_2_28")
        return cls(f"{sys.version_info.major}.{sys.version_info.minor}", None)

    @property
    def label(self) -> str:
        """Names the machine in hashes; the host's name includes its system, as `build/` may be shared by machines."""
        return f"{self.python} {self.platform or f'{sys.platform}-{platform.machine()}'}"


def host_processor() -> str:
    """`aarch64` or `x86_64`."""
    return "aarch64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"


def function_code(
    bundle_platform: BundlePlatform, *, skip: bool = False, requirements: Path = REQUIREMENTS
) -> lambda_.Code:
    """The asset that every function with these requirements shares.

    With `skip` (CDK needs no bundle of this stack) it holds only the sources.

    Raises BundleError when the dependencies cannot be installed.
    """
    machine = Machine.of(bundle_platform)
    content = REPOSITORY / SOURCES[0] if skip else build_bundle(machine, requirements=requirements)
    return lambda_.Code.from_asset(
        str(content), asset_hash=bundle_hash(machine, requirements), asset_hash_type=AssetHashType.CUSTOM
    )


def build_bundle(machine: Machine, *, cache: Path = CACHE, requirements: Path = REQUIREMENTS) -> Path:
    """Path of the zip for `machine`, built if `cache` has none of these inputs. Raises BundleError."""
    package = cache / f"bundle-{bundle_hash(machine, requirements)}.zip"
    if package.exists():
        return package
    cache.mkdir(parents=True, exist_ok=True)
    dependencies = _dependencies(machine, cache, requirements)
    with tempfile.TemporaryDirectory(dir=cache, prefix="bundling-") as work:
        code = Path(work) / "code"
        for source in SOURCES:
            for relative in _tree(REPOSITORY / source):
                target = code / source / relative
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(REPOSITORY / source / relative, target)
        (code / CERTIFICATES).write_bytes(rds_certificates())
        _compile(code, machine)
        unfinished = Path(work) / "bundle.zip"
        shutil.copyfile(dependencies, unfinished)
        _add_to_zip(unfinished, code)
        _check_size(unfinished, requirements)
        _forget_old_bundles(cache)
        unfinished.replace(package)
    return package


def _forget_old_bundles(cache: Path) -> None:
    bundles = sorted(cache.glob("bundle-*.zip"), key=lambda path: path.stat().st_mtime)
    for bundle in bundles[:-_KEPT_BUNDLES]:
        bundle.unlink(missing_ok=True)


def bundle_hash(machine: Machine, requirements: Path = REQUIREMENTS) -> str:
    """Hash of everything that decides the bundle's content: lock file, sources, machine, this format."""
    digest = hashlib.sha256(_dependencies_hash(machine, requirements).encode())
    digest.update(tree_hash(*(REPOSITORY / source for source in SOURCES)).encode())
    digest.update(rds_certificates())
    return digest.hexdigest()[:32]


def tree_hash(*paths: Path) -> str:
    """Hash of the names and contents of files and folders, without caches and tests."""
    digest = hashlib.sha256()
    for path in paths:
        files = [Path(path.name)] if path.is_file() else list(_tree(path))
        for relative in files:
            content = (path if path.is_file() else path / relative).read_bytes()
            digest.update(f"{path.name}/{relative.as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:32]


def _dependencies_hash(machine: Machine, requirements: Path) -> str:
    digest = hashlib.sha256(f"{_FORMAT}\0{machine.label}\0".encode())
    digest.update(requirements.read_bytes())
    return digest.hexdigest()[:32]


def _dependencies(machine: Machine, cache: Path, requirements: Path) -> Path:
    """Path of a zip of the installed and compiled dependencies."""
    package = cache / f"dependencies-{_dependencies_hash(machine, requirements)}.zip"
    if package.exists():
        return package
    with tempfile.TemporaryDirectory(dir=cache, prefix="installing-") as work:
        installed = Path(work) / "installed"
        _install(machine, installed, requirements)
        for relative in list(_files(installed)):
            if _NEEDLESS.search(relative.as_posix()):
                (installed / relative).unlink()
        _compile(installed, machine)
        unfinished = Path(work) / "dependencies.zip"
        _add_to_zip(unfinished, installed)
        unfinished.replace(package)
    return package


def _install(machine: Machine, target: Path, requirements: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--no-progress",
        "--target", str(target), "--require-hashes", "-r", str(requirements), "--only-binary", ":all:",
        "--python", sys.executable, "--link-mode", "copy",
    ]  # fmt: skip
    if machine.platform is not None:
        command += ["--python-platform", machine.platform, "--python-version", machine.python]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    except FileNotFoundError:
        raise BundleError("uv is not in the environment that runs app.py: install requirements/uv.txt there") from None
    if done.returncode != 0:
        said = " ".join(done.stderr.split())
        raise BundleError(
            f"the functions' dependencies (requirements/{requirements.name}) cannot be installed"
            f" for Python {machine.label}; is the package registry reachable? uv says: {said[:500] or 'nothing'}"
        )


def _compile(folder: Path, machine: Machine) -> None:
    """Precompile so that a cold start does not; by hash and unchecked, as a zip does not keep source times.

    Bytecode belongs to a Python minor version: when this one is another, the function compiles for itself.
    """
    if machine.python != f"{sys.version_info.major}.{sys.version_info.minor}":
        return
    compileall.compile_dir(
        folder,
        quiet=2,
        workers=1,
        stripdir=str(folder),
        prependdir="/var/task",
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def _check_size(package: Path, requirements: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > MAX_UNZIPPED_BYTES:
        raise BundleError(
            f"the bundle is {size / 1024**2:.0f} MB unzipped, AWS Lambda takes {MAX_UNZIPPED_BYTES // 1024**2} MB:"
            f" remove something from requirements/{requirements.with_suffix('.in').name}"
        )


def _add_to_zip(package: Path, folder: Path) -> None:
    with zipfile.ZipFile(package, "a", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for relative in _files(folder):
            entry = zipfile.ZipInfo(relative.as_posix(), _ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            executable = os.access(folder / relative, os.X_OK)
            entry.external_attr = (0o755 if executable else 0o644) << 16
            archive.writestr(entry, (folder / relative).read_bytes())


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder)


def _tree(folder: Path) -> Iterator[Path]:
    for relative in _files(folder):
        if not _SKIPPED_FOLDERS.intersection(relative.parts) and relative.suffix != ".pyc":
            yield relative
