#!/bin/sh
# Installs everything the project needs below the repository, from hashed pins: .venv (the project),
# .environments/localstack and .environments/lambda-runtime (each an environment of its own) and node_modules
# (the CDK command line). Each part is skipped when its pins have not changed since it was installed.
set -eu
cd "$(dirname "$0")/.."

fail() { echo "install: $*" >&2; exit 1; }
say() { echo "install: $*" >&2; }

find_python() {
    for candidate in python3.13 python3.12 python3.14 python3 python; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info < (3, 14))' >/dev/null 2>&1; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

stamp_of() { cat "$@" | cksum | tr -d ' '; }
is_current() { [ -f "$1/.installed" ] && [ "$(cat "$1/.installed")" = "$2" ]; }

retry() {  # a registry that does not answer gets three attempts
    for wait in 2 5 0; do
        "$@" && return 0
        [ "$wait" = 0 ] || { say "trying again in $wait s"; sleep "$wait"; }
    done
    return 1
}

command -v node >/dev/null 2>&1 || fail "Node.js is not installed; the CDK command line needs Node 20 or newer."
node_major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
[ "$node_major" -ge 20 ] || fail "Node.js $(node --version) is too old; the CDK command line needs Node 20 or newer."
command -v npm >/dev/null 2>&1 || fail "npm is not installed; it comes with Node 20 or newer."

if [ ! -x .venv/bin/uv ] || ! .venv/bin/python -c '' 2>/dev/null; then
    rm -rf .venv
    if python=$(find_python); then
        say "creating .venv with $("$python" --version)"
        "$python" -m venv .venv
        retry .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt \
            || fail "PyPI cannot be reached; check the network or the pip configuration, then run this again."
    elif command -v uv >/dev/null 2>&1; then
        say "no Python 3.12 or 3.13 found; uv brings 3.13"
        uv venv --quiet --python 3.13 .venv
        VIRTUAL_ENV=.venv uv pip install --quiet --require-hashes -r requirements/uv.txt
    else
        fail "Python 3.12 or 3.13 is needed (found: $(python3 --version 2>/dev/null || echo none)); install it, or uv, and run this again."
    fi
fi
uv=.venv/bin/uv

install_environment() {  # folder, lock file: a virtual environment holding exactly that lock
    stamp=$(stamp_of "$2")
    is_current "$1" "$stamp" && return 0
    say "installing $1"
    rm -f "$1/.installed"
    [ -x "$1/bin/python" ] || "$uv" venv --quiet --python .venv/bin/python "$1"
    retry "$uv" pip sync --quiet --python "$1/bin/python" --require-hashes "$2" \
        || fail "the packages of $2 could not be installed; PyPI must be reachable."
    echo "$stamp" >"$1/.installed"
}

stamp=$(stamp_of requirements/dev.txt pyproject.toml local/install.sh)
if ! is_current .venv "$stamp"; then
    say "installing .venv"
    rm -f .venv/.installed
    retry "$uv" pip sync --quiet --python .venv/bin/python --require-hashes requirements/dev.txt \
        || fail "the packages of requirements/dev.txt could not be installed; PyPI must be reachable."
    "$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
    echo "$stamp" >.venv/.installed
fi
install_environment .environments/localstack requirements/localstack.txt
install_environment .environments/lambda-runtime requirements/lambda-runtime.txt

stamp=$(stamp_of package-lock.json)
if ! is_current node_modules "$stamp"; then
    say "installing node_modules"
    retry npm ci --silent --no-fund --no-audit || fail "the npm registry cannot be reached; check the network, then run this again."
    echo "$stamp" >node_modules/.installed
fi
