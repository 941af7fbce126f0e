#!/usr/bin/env bash
# The main job on the demo case: in the window where there is a screen, else straight into files.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ "$(uname -s)" != Linux ] || [ -n "${DISPLAY:-}" ] || [ -n "${WAYLAND_DISPLAY:-}" ]; then
    exec .venv/bin/python main.py --demo
fi
out=out/demo
echo "No screen here (neither DISPLAY nor WAYLAND_DISPLAY is set): the same job without the window."
.venv/bin/spinect plan assets/demo --out "$out"
echo
echo "Done. The files are in $PWD/$out:"
find "$out" -type f | sort | sed 's/^/  /'
