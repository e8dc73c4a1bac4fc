#!/usr/bin/env bash
# Tests the Python binding as its users get it: a wheel, in a clean virtual environment, against the local sandbox.
# Arguments go to pytest. PYTHON names another interpreter; SIS_WHEEL a wheel that is built already.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
python="${PYTHON:-python3}"
cd "$root"

"$python" -c 'import ensurepip, venv' 2>/dev/null || {
  echo "$python makes no virtual environments: apt-get install -y python3 python3-venv" >&2
  exit 1
}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Python 3.10 or later is needed" >&2; exit 1; }

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}"
work="$CARGO_TARGET_DIR/python"
mkdir -p "$work"

cargo build --quiet --locked --package sis-integrations-sandbox
cargo test --quiet --locked --package sis-integrations-uniffi

if [ -n "${SIS_WHEEL:-}" ]; then
  wheel="$SIS_WHEEL"
else
  rm -rf "$work/wheels"
  # What a user runs, but without the optimiser's minutes.
  "$python" -m venv "$work/build"
  MATURIN_PEP517_ARGS="--profile dev --locked" "$work/build/bin/python" -m pip wheel --quiet \
    --disable-pip-version-check --no-deps --wheel-dir "$work/wheels" "$here"
  wheel="$(echo "$work"/wheels/*.whl)"
fi

# Clean, and outside of the tree, so that what is tested is what is installed. There is no cargo in this environment.
"$python" -m venv --clear "$work/clean"
clean="$work/clean/bin/python"
"$clean" -m pip install --quiet --disable-pip-version-check "$wheel" -r "$here/tests/requirements.txt"
cd "$work"

# The stub says what the package is, and the README's example fits it.
"$clean" -m mypy.stubtest sis_integrations \
  --mypy-config-file "$here/tests/mypy.ini" --allowlist "$here/tests/stubtest.txt"
"$clean" -m mypy --strict --no-error-summary --cache-dir "$work/mypy" "$here/tests/example.py"

# The sandbox ends with its input, which is ours: it cannot outlive this script, whatever ends that.
coproc SANDBOX { exec "$CARGO_TARGET_DIR/debug/sis-integrations-sandbox" --until-stdin-closes; }
sandbox="$SANDBOX_PID"
trap 'kill "$sandbox" 2>/dev/null || true' EXIT
# A line for each vendor: the first may take its time, the others follow at once.
patience=20
while read -r -t "$patience" name address <&"${SANDBOX[0]}"; do
  export "SIS_SANDBOX_${name^^}_URL=$address"
  patience=1
done
[ -n "${SIS_SANDBOX_TWILIO_URL-}" ] || { echo "the sandbox named no address for twilio" >&2; exit 1; }

export SIS_SANDBOX_TWILIO_ACCOUNT_SID="AC5a4db0c5000000000000000000000001"
export SIS_SANDBOX_TWILIO_AUTH_TOKEN="5a4db0c5000000000000000000000002"
export SIS_SCENARIOS="$root/tests/scenarios"
export PYTHONDONTWRITEBYTECODE=1
env PATH="$(dirname "$clean"):/usr/bin:/bin" "$clean" -m pytest -q -p no:cacheprovider "$here/tests" "$@"
