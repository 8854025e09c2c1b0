#!/bin/sh
# Installs everything the project needs below the repository, from hashed pins: .venv (the project),
# .environments/localstack and .environments/lambda-runtime (each an environment of its own), node_modules (the CDK
# command line) and dashboards/web (what builds the page, and the page). Each part is skipped when nothing of it has changed.
set -eu
cd "$(dirname "$0")/.."

log=.environments/install.log

fail() { echo "install: $*" >&2; exit 1; }
say() { echo "install: $*" >&2; }

find_python() {
    for candidate in python3.13 python3.12 python3 python; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info < (3, 14))' >/dev/null 2>&1; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

stamp_of() { cat "$@" | cksum | tr -d ' '; }
is_current() { [ -f "$1/.installed" ] && [ "$(cat "$1/.installed")" = "$2" ]; }

# Whether an installation was completed there, of whatever pins, whose Python still runs. Nothing is built on less: a
# package that was being copied when somebody pulled the plug looks installed to uv, and where pyvenv.cfg is missing uv
# takes the machine's own Python for the environment and would empty that.
is_whole() {
    [ -f "$1/.installed" ] && "$1/bin/python" -c 'import sys; sys.exit(sys.prefix == sys.base_prefix)' >/dev/null 2>&1
}

attempt() {  # registry, what, command: three times, since a registry may fail for a moment; its words go to the log
    registry=$1 what=$2
    shift 2
    for wait in 2 5 0; do
        "$@" >"$log" 2>&1 && return 0
        [ "$wait" = 0 ] || { say "$what could not be installed; trying again in $wait s"; sleep "$wait"; }
    done
    if grep -qiE "connect|resolve|unreachable|timed? ?out|fetch failed|ECONN|ENOTFOUND|EAI_AGAIN|HTTP 50" "$log"; then
        fail "$what could not be installed: $registry cannot be reached. Check the network and the" \
            "settings of proxy and mirror, then run this again (details: $log)."
    fi
    fail "$what could not be installed: $(grep -iE 'error|cause' "$log" | head -n 2 | tr -s '\n ' ' ' | cut -c 1-250)" \
        "Mend that, then run this again (details: $log)."
}

command -v node >/dev/null 2>&1 || fail "Node.js is not installed; install Node 20 or newer (for the CDK command line), then run this again."
node_version=$(node --version 2>/dev/null) || node_version=none
node_major=${node_version#v}
node_major=${node_major%%.*}
case $node_major in
    '' | *[!0-9]*) fail "node --version answers nothing of use ($node_version); install Node 20 or newer, then run this again." ;;
esac
[ "$node_major" -ge 20 ] || fail "Node.js $node_version is too old; install Node 20 or newer (for the CDK command line), then run this again."
command -v npm >/dev/null 2>&1 || fail "npm is not installed; it comes with Node 20 or newer: install that, then run this again."

mkdir -p .environments
if ! is_whole .venv || ! .venv/bin/uv --version >/dev/null 2>&1; then
    rm -rf .venv
    python=$(find_python) || python=
    if [ -n "$python" ] && "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        say "creating .venv with $("$python" --version)"
        "$python" -m venv .venv
        attempt PyPI uv .venv/bin/python -m pip install --quiet --retries 1 --disable-pip-version-check \
            --require-hashes -r requirements/uv.txt
    elif command -v uv >/dev/null 2>&1; then
        say "creating .venv with uv${python:+ and $python}"
        attempt "the source of uv's Pythons" "Python 3.13" uv venv --quiet --python "${python:-3.13}" .venv
        attempt PyPI uv uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements/uv.txt
    elif [ -n "$python" ]; then
        fail "$python cannot make virtual environments; install its venv module (Debian and Ubuntu: apt install python3-venv), or uv, then run this again."
    else
        fail "Python 3.12 or 3.13 is needed (found: $(python3 --version 2>/dev/null || echo none)); install it, or uv, then run this again."
    fi
fi
uv=.venv/bin/uv

install_environment() {  # folder, lock file: a virtual environment holding exactly that lock
    stamp=$(stamp_of "$2")
    is_current "$1" "$stamp" && is_whole "$1" && return 0
    say "installing $1"
    if ! is_whole "$1"; then
        rm -rf "$1"
        "$uv" venv --quiet --python .venv/bin/python "$1"
    fi
    rm -f "$1/.installed"
    attempt PyPI "$2" "$uv" pip sync --quiet --python "$1/bin/python" --require-hashes "$2"
    echo "$stamp" >"$1/.installed"
}

stamp=$(stamp_of requirements/dev.txt pyproject.toml local/install.sh)
if ! is_current .venv "$stamp"; then
    say "installing .venv"
    rm -f .venv/.installed
    attempt PyPI requirements/dev.txt "$uv" pip sync --quiet --python .venv/bin/python --require-hashes requirements/dev.txt
    attempt PyPI "the project itself" "$uv" pip install --quiet --offline --python .venv/bin/python --no-deps \
        --no-build-isolation --editable .
    echo "$stamp" >.venv/.installed
fi
install_environment .environments/localstack requirements/localstack.txt
install_environment .environments/lambda-runtime requirements/lambda-runtime.txt

install_node_modules() {  # folder, beside its package-lock.json; what it is for
    stamp=$(stamp_of "$(dirname "$1")/package-lock.json")
    is_current "$1" "$stamp" && return 0
    say "installing $1"
    attempt "the npm registry" "$2" npm ci --prefix "$(dirname "$1")" --ignore-scripts --no-fund --no-audit --loglevel=error \
        --fetch-retry-mintimeout=500 --fetch-retry-maxtimeout=3000
    echo "$stamp" >"$1/.installed"
}
install_node_modules node_modules "the CDK command line"
install_node_modules dashboards/web/node_modules "what builds the dashboard"

page=dashboards/web
stamp=$(find "$page/src" -type f | LC_ALL=C sort | xargs cat "$page/build.mjs" "$page/package-lock.json" | cksum | tr -d ' ')
if [ ! -f "$page/dist/index.html" ] || [ "$(cat "$page/node_modules/.built" 2>/dev/null)" != "$stamp" ]; then
    say "building the dashboard"
    (cd "$page" && node build.mjs) >"$log" 2>&1 || fail "the dashboard could not be built: $(tr -s '\n ' ' ' <"$log" | cut -c 1-250)"
    echo "$stamp" >"$page/node_modules/.built"
fi
