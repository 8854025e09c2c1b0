#!/bin/sh
# Resolves every *.in file of this folder into a hashed lock file; run it after editing one of them (`make lock`).
# LocalStack is resolved as of its release: newer releases of its dependencies break it.
set -eu
cd "$(dirname "$0")"
uv=${UV:-../.venv/bin/uv}
compile() { "$uv" pip compile --quiet --generate-hashes --no-emit-index-url --no-header "$@"; }
compile --universal --python-version 3.12 uv.in -o uv.txt
compile --universal --python-version 3.12 functions.in -o functions.txt
compile --universal --python-version 3.12 export.in -o export.txt -c functions.txt
compile --universal --python-version 3.12 dev.in -o dev.txt -c functions.txt -c export.txt -c uv.txt
compile --universal --python-version 3.12 topic.in -o topic.txt -c functions.txt -c dev.txt
compile --universal --python-version 3.12 lambda-runtime.in -o lambda-runtime.txt
compile --universal --python-version 3.11 superset.in -o superset.txt
compile --universal --python-version 3.11 spark.in -o spark.txt
compile --python-version 3.13 --exclude-newer 2026-03-24 localstack.in -o localstack.txt
