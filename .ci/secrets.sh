#!/bin/sh
# Fails when a file that git tracks, or is about to, holds what looks like a key or token. It names the place and not
# the secret. Passwords without a form of their own are not found: keep them out of files.
set -eu
found=$(git grep --untracked -lIE \
    -e '(^|[^A-Z0-9])(AKIA|ASIA)[A-Z0-9]{16}([^A-Z0-9]|$)' \
    -e '-----BEGIN ([A-Z]+ )*PRIVATE KEY-----' \
    -e '(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,})' \
    -e '(xox[abprs]-[A-Za-z0-9-]{10,}|sk_live_[A-Za-z0-9]{16,}|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,})' \
    -e 'eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}' \
    -e 'aws_?(secret|session)[a-z_]*["'\'' ]*[:=]["'\'' ]*[A-Za-z0-9/+]{40}' \
    -- ':!*package-lock.json') || [ $? -eq 1 ]
[ -z "$found" ] || { echo "secrets: what looks like a key or a token is in:" >&2; echo "$found" >&2; exit 1; }
