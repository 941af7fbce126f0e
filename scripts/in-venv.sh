#!/usr/bin/env bash
# Runs a tool of the project's own environment: the hooks check with the versions that constraints.txt names.
#
#   scripts/in-venv.sh TOOL [ARGUMENT ...]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
for folder in "$root/.venv/bin" "$root/.venv/Scripts" ${VIRTUAL_ENV:+"$VIRTUAL_ENV/bin" "$VIRTUAL_ENV/Scripts"}; do
    if [ -x "$folder/$1" ] || [ -x "$folder/$1.exe" ]; then
        exec "$folder/$@"
    fi
done
echo "$1 is not in .venv. Type \`make lint\` once: it sets the environment up." >&2
exit 1
