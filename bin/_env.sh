# Finds Python 3.11 and makes .venv from a lock file; sourced by the commands of bin/, run by none.
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="$ROOT/.venv"

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

python_is_311() { [ "$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "3.11" ]; }

# Sets PYTHON to a Python 3.11, or ends with what to do.
find_python() {
    local candidate found=""
    for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3 python; do
        if command -v "$candidate" >/dev/null 2>&1; then
            if python_is_311 "$candidate"; then PYTHON="$(command -v "$candidate")"; return; fi
            found="$found $candidate is $("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo unusable);"
        fi
    done
    die "Python 3.11 is needed and was not found.${found:+ Found:$found}
On Debian 12: sudo apt-get install python3 python3-venv
Elsewhere, install Python 3.11 and name it: PYTHON=/path/to/python3.11 $0"
}

# Debian has venv in a package of its own. $1 = install: may bring it with apt-get; else only says so.
have_venv_module() {
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null && return
    if [ "${1:-}" = install ] && command -v apt-get >/dev/null 2>&1; then
        local sudo=""
        [ "$(id -u)" = 0 ] || sudo="sudo --non-interactive"
        say "installing python3-venv"
        $sudo apt-get update >/dev/null && $sudo env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y --no-install-recommends python3-venv >/dev/null || true
        "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null && return
    fi
    die "Python's module venv is missing ($PYTHON). On Debian 12: sudo apt-get install python3-venv"
}

# make_venv run|dev [install]: .venv holds exactly what the lock file says. A stamp makes the second start instant.
make_venv() {
    local kind="$1" lock wanted stamp="$VENV/.lock"
    lock="$ROOT/requirements.lock"
    [ "$kind" = run ] || lock="$ROOT/requirements-dev.lock"
    [ -x "$VENV/bin/python" ] && python_is_311 "$VENV/bin/python" || {
        find_python
        have_venv_module "${2:-}"
        [ ! -e "$VENV" ] || say "making $VENV anew: it was not of Python 3.11"
        "$PYTHON" -m venv --clear "$VENV" || die "$VENV could not be made with $PYTHON."
    }
    wanted="$(sha256sum "$lock" | cut -d' ' -f1)"
    # What the development lock holds, the run lock holds too: it was compiled with it as a constraint.
    if [ "$kind" = run ] && grep -qsx "run $wanted" "$stamp"; then return; fi
    if [ "$kind" = dev ] && grep -qsx "dev $wanted" "$stamp"; then return; fi
    say "installing Python packages from $(basename "$lock") (once; a minute or two)"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --require-hashes -r "$lock" ||
        die "The packages of $(basename "$lock") could not be installed. Is the package index reachable?
Nothing else was changed; run the same command again."
    {
        echo "run $(sha256sum "$ROOT/requirements.lock" | cut -d' ' -f1)"
        [ "$kind" = run ] || echo "dev $wanted"
    } >"$stamp"
}
