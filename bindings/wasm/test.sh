#!/usr/bin/env bash
# Builds the npm package and runs its tests against the sandbox.
set -euo pipefail
cd "$(dirname "$0")/../.."
bash bindings/wasm/build.sh

lines=$(mktemp)
cargo run -q -p sis-integrations-sandbox >"$lines" &
sandbox=$!
trap 'kill "$sandbox" 2>/dev/null || true; rm -f "$lines"' EXIT
# It may have to be built first.
for _ in $(seq 6000); do
  url=$(awk '$1 == "twilio" { print $2; exit }' "$lines")
  [[ -n $url ]] && break
  kill -0 "$sandbox" 2>/dev/null || { echo "wasm: the sandbox ended" >&2; exit 1; }
  sleep 0.1
done
[[ -n $url ]] || { echo "wasm: the sandbox named no address for twilio" >&2; exit 1; }

# The lines of all vendors are written at once.
while read -r name address; do
  export "SIS_SANDBOX_${name^^}_URL=$address"
done <"$lines"
export SIS_SANDBOX_TWILIO_ACCOUNT_SID=AC5a4db0c5000000000000000000000001
export SIS_SANDBOX_TWILIO_AUTH_TOKEN=5a4db0c5000000000000000000000002
node --test bindings/wasm/tests/*.test.mjs
