#!/usr/bin/env bash
# Runs bench.recommender where its rivals are: in .venv-bench, made here once; without them where the portal's packages are.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../bin/_env.sh"
cd "$ROOT"

RIVALS="$ROOT/.venv-bench"
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
pinned() { grep -E "^(numpy|psycopg|psycopg-binary)==" requirements.lock | cut -d' ' -f1; }
wanted="$(cat bench/requirements.txt requirements.lock | sha256sum | cut -d' ' -f1)"
if ! grep -qsx "$wanted" "$RIVALS/.stamp"; then
    say "bench: installing what is compared with (once)"
    if "$VENV/bin/python" -m venv --clear "$RIVALS" &&
        pinned > "$RIVALS/pinned.txt" &&
        "$RIVALS/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
            -r "$RIVALS/pinned.txt" -r bench/requirements.txt; then
        echo "$wanted" > "$RIVALS/.stamp"
    else
        say "bench: LightFM and implicit could not be installed"
        exec "$VENV/bin/python" -m bench.recommender "$@"
    fi
fi
exec "$RIVALS/bin/python" -m bench.recommender "$@"
