#!/usr/bin/env bash
# Makes a folder that runs without Python, and tries it: dist/spinect-planner/ with spinect and spinect-planner in it.
#
#   scripts/freeze.sh [FOLDER]   FOLDER: where it is built, dist/ and build/ of the checkout by default
#
# PyInstaller builds for the system it runs on. The folder contains Qt (LGPL 3) and GEOS (LGPL 2.1), each in files of its
# own that can be exchanged: whoever passes it on follows their licences; see THIRD_PARTY.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=${1:-$PWD}
python=${SPINECT_PYTHON:-.venv/bin/python}
if [ "$python" = .venv/bin/python ]; then
    bash scripts/setup.sh
    PIP_CONSTRAINT=constraints.txt "$python" -m pip install -q --disable-pip-version-check -e '.[freeze]'
fi
PYTHONPATH=$PWD "$python" -m PyInstaller --noconfirm --log-level WARN \
    --distpath "$out/dist" --workpath "$out/build" scripts/freeze.spec
folder=$out/dist/spinect-planner
echo "freeze: $folder, $(du -sh "$folder" | cut -f1)"
# From another folder and without Python's variables, lest it finds anything of the checkout.
(cd "$out" && env -u PYTHONPATH -u VIRTUAL_ENV "$folder/spinect" info)
