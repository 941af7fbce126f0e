#!/usr/bin/env bash
# Everything that `make run` and `make test` need, on a machine that has Python 3.11 to 3.13 and nothing else.
#
#   scripts/setup.sh [--for-tests] [PYTHON]   --for-tests: stop where the tests of the window could not run
#   scripts/setup.sh --list-system-packages   Debian's names of all that the program and its tests need, and no more
#
# Does nothing, quickly, when all of it is there. Installs system libraries only on Debian and its relatives and only
# when it runs as root; elsewhere it says what to type.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=.venv
stamp=$venv/.spinect-setup

say() { printf '%s\n' "setup: $*" >&2; }
fail() {
    say "$@"
    exit 1
}

for_tests_too=
if [ "${1:-}" = --for-tests ]; then
    for_tests_too=yes
    shift
fi

# ------------------------------------------------------------------------------------------------- system libraries

# Debian's package and the file that shows that it is there. The right-hand names are the same on every distribution.
libraries="
libgl1              libGL.so.1
libegl1             libEGL.so.1
libdbus-1-3         libdbus-1.so.3
libfontconfig1      libfontconfig.so.1
libglib2.0-0        libglib-2.0.so.0
libxkbcommon0       libxkbcommon.so.0
libxkbcommon-x11-0  libxkbcommon-x11.so.0
libxcb-cursor0      libxcb-cursor.so.0
libxcb-icccm4       libxcb-icccm.so.4
libxcb-keysyms1     libxcb-keysyms.so.1
libxcb-shape0       libxcb-shape.so.0
"
# For the tests: a screen without a screen, and what a locale with a decimal comma is made of.
programs="
xvfb                Xvfb
xauth               xauth
locales             /usr/share/i18n/locales/de_DE
"
# What checks and shows the DICOM that is written; tests that use it are skipped without.
validators="
dicom3tools         dciodvfy
dcmtk               dcm2pnm
"
# An archive to send to and to fetch from, started by the tests on this computer alone; they are skipped without.
archives="
orthanc             /usr/sbin/Orthanc
orthanc-dicomweb    /usr/share/orthanc/plugins/libOrthancDicomWeb.so
"

if [ "${1:-}" = --list-system-packages ]; then
    awk 'NF { print $1 }' <<<"$libraries$programs$validators$archives"
    exit 0
fi

missing_libraries() {
    local known package witness
    known=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null || true)
    while read -r package witness; do
        [ -z "$package" ] || case $known in *"$witness "*) ;; *) printf '%s ' "$package" ;; esac
    done <<<"$libraries"
}

missing_programs() {  # of a list
    local package witness
    while read -r package witness; do
        [ -z "$package" ] || command -v "$witness" >/dev/null || [ -e "$witness" ] || printf '%s ' "$package"
    done <<<"$1"
}

apt_install() {
    local log
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    # The package lists of a fresh machine are empty and those of an old one name files that are gone.
    apt-get update -qq >"$log" 2>&1 || say "apt-get update failed, going on with the lists that are there"
    # Another apt-get, such as a fresh machine's own at its start, is waited for.
    if ! apt-get -o DPkg::Lock::Timeout=180 install -y -qq --no-install-recommends "$@" >>"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

# Debian starts a server that it installs, and at every start of the computer: this one is for the tests alone.
install_archive() {
    local policy=/usr/sbin/policy-rc.d made= done=yes
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && made=yes
    fi
    apt_install "$@" >/dev/null || done=
    [ -z "$made" ] || rm -f "$policy"
    update-rc.d orthanc disable >/dev/null 2>&1 || true
    if command -v systemctl >/dev/null; then systemctl disable orthanc >/dev/null 2>&1 || true; fi
    [ -n "$done" ]
}

may_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

if [ "$(uname -s)" = Linux ]; then
    read -r -a needed <<<"$(missing_libraries)"
    read -r -a for_tests <<<"$(missing_programs "$programs")"
    read -r -a to_check <<<"$(missing_programs "$validators")"
    read -r -a to_archive <<<"$(missing_programs "$archives")"
    if may_apt; then
        needed+=("${for_tests[@]}")
        if [ ${#needed[@]} -gt 0 ]; then
            say "installing the system libraries ${needed[*]}"
            apt_install "${needed[@]}" || fail "apt-get could not install: ${needed[*]}"
        fi
        if [ ${#to_check[@]} -gt 0 ]; then
            say "installing what checks the DICOM that is written: ${to_check[*]}"
            apt_install "${to_check[@]}" >/dev/null || say "apt-get could not install ${to_check[*]}; tests skip it"
        fi
        if [ ${#to_archive[@]} -gt 0 ] && [ -n "$for_tests_too" ]; then
            say "installing an archive for the tests, which is not started: ${to_archive[*]}"
            install_archive "${to_archive[@]}" || say "apt-get could not install ${to_archive[*]}; tests skip it"
        fi
    elif [ ${#needed[@]} -gt 0 ]; then
        needed+=("${for_tests[@]}")
        if command -v apt-get >/dev/null; then
            fail "system libraries are missing. Type this, then try again:" \
                "sudo apt-get update && sudo apt-get install --no-install-recommends ${needed[*]}"
        fi
        fail "system libraries are missing. Install what your distribution calls (Debian's names): ${needed[*]}"
    elif [ ${#for_tests[@]} -gt 0 ] && [ -n "$for_tests_too" ]; then
        # With neither a screen nor a virtual one, Qt ends the whole test run with a core dump.
        [ -n "${DISPLAY:-}" ] || fail "the tests of the window need a screen or Xvfb. Type this, then try again:" \
            "sudo apt-get update && sudo apt-get install --no-install-recommends ${for_tests[*]}" \
            "(Debian's names; the other tests alone: make test PYTEST='--no-xvfb tests/core/planning')"
        say "the tests of the window will open on your screen; to keep it free, install (Debian's names): ${for_tests[*]}"
    fi
fi

# ------------------------------------------------------------------------------------------------------------ Python

fits() {
    "$1" -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1
}

find_python() {
    local candidate there
    if [ -n "${1:-}" ]; then
        fits "$1" || fail "$1 is not Python 3.11, 3.12 or 3.13"
        printf '%s' "$1"
        return
    fi
    # 3.11 first: constraints.txt was made and is tested with it.
    for candidate in python3.11 python3.12 python3.13 python3; do
        if fits "$candidate"; then
            printf '%s' "$candidate"
            return
        fi
    done
    there=$(python3 -c 'import platform; print(platform.python_version())' 2>/dev/null || true)
    say "no Python 3.11, 3.12 or 3.13 found${there:+ (python3 is $there)}."
    say "  Debian 12 or 13, Ubuntu 24.04:  sudo apt-get update && sudo apt-get install python3 python3-venv"
    say "  Ubuntu 22.04, whose own is 3.10:  sudo add-apt-repository ppa:deadsnakes/ppa && sudo apt-get update &&"
    say "                                    sudo apt-get install python3.11 python3.11-venv"
    fail "  Anywhere: install one of them, then make run PYTHON=/path/to/python3.11"
}

make_venv() {
    local python=$1 version
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    say "making $venv with Python $version"
    rm -rf "$venv"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null && may_apt; then
        say "installing python$version-venv"
        apt_install "python$version-venv" || apt_install python3-venv || true
    fi
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        "$python" -m venv "$venv"
    elif "$python" -m pip --version >/dev/null 2>&1; then
        # Debian keeps venv in a package of its own; virtualenv does the same without it.
        local tool
        tool=$(mktemp -d)
        "$python" -m pip install -q --target "$tool" virtualenv
        PYTHONPATH=$tool "$python" -m virtualenv -q "$venv"
        rm -rf "$tool"
    else
        fail "Python's venv module is missing. On Debian and Ubuntu:" \
            "sudo apt-get update && sudo apt-get install python$version-venv"
    fi
}

# --------------------------------------------------------------------------------------------------- Python packages

# What is installed follows from these files alone; their checksum, unlike their age, survives a git checkout.
wanted=$(cat pyproject.toml constraints.txt | cksum)
if [ -x "$venv/bin/python" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted $PWD" ]; then
    exit 0
fi

# Megabytes free where a folder lies; nothing if df does not know.
free_mb() { df -Pm "$1" 2>/dev/null | awk 'NR == 2 { print $4 }'; }

need_space() {
    local folder=$1 needed=$2 free
    free=$(free_mb "$folder")
    [ -z "$free" ] || [ "$free" -ge "$needed" ] ||
        fail "$folder has $free MB free and needs $needed MB for the Python packages. $3"
}

if [ ! -f "$stamp" ]; then
    need_space . 4500 "Free some space, or put this folder elsewhere"
    need_space "${TMPDIR:-/tmp}" 1000 "Free some space, or set TMPDIR to a folder on a larger disk"
fi
if ! { [ -x "$venv/bin/python" ] && fits "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1; }; then
    python=$(find_python "${1:-}")
    make_venv "$python"
fi
say "installing the Python packages of constraints.txt (1 GB at first, some minutes)"
export PIP_DISABLE_PIP_VERSION_CHECK=1
PIP_CONSTRAINT=constraints.txt "$venv/bin/python" -m pip install -q -e '.[dev]' ||
    fail "pip could not install the packages named in pyproject.toml; see its message above"
printf '%s' "$wanted $PWD" >"$stamp"
say "done"
