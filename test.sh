#!/usr/bin/env bash
# Proves Préau on this machine: installs what is missing, then checks form, builds, and runs every test, those in
# network namespaces included. Nothing is left behind: every school in it dies with the test that made it.
#
#   sudo ./test.sh            everything
#   ./test.sh                 the same without root, where the kernel allows user namespaces
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")" || exit 1
. .ci/install

failed=()
started=$SECONDS

# step NAME COMMAND...: runs one check, says how long it took, and goes on after a failure to report all of them.
step() {
  local name=$1 begun=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  if "$@"; then
    printf -- '-- %s: passed (%d s)\n' "$name" $((SECONDS - begun))
  else
    printf -- '-- %s: FAILED (%d s)\n' "$name" $((SECONDS - begun))
    failed+=("$name")
  fi
}

# Under sudo, what root built goes back to the owner of the folder.
give_back() { [ "$(id -u)" != 0 ] || [ "$(owner)" = root ] || chown -R "$(owner)" target; }
trap give_back EXIT
interrupted() {
  trap '' INT TERM
  kill 0
  wait
  printf '\n✗ test.sh: interrupted; nothing is left running\n'
  exit 130
}
trap interrupted INT TERM

install_for_tests || exit 1
step 'form (cargo fmt)' cargo fmt --all --check
step 'lints (cargo clippy)' cargo clippy --workspace --all-targets --locked -- -D warnings
step 'documentation (cargo doc)' env RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked
step 'dependencies (cargo deny)' cargo deny --log-level error check licenses bans sources
step 'build' cargo build --workspace --locked
step 'tests, scenarios, namespaces (cargo test)' cargo test --workspace --locked --no-fail-fast

printf '\n'
if [ ${#failed[@]} -gt 0 ]; then
  printf '✗ test.sh: FAILED after %d s: %s\n' $((SECONDS - started)) "$(IFS=,; echo "${failed[*]}")"
  exit 1
fi
printf '✓ test.sh: everything passed in %d s\n' $((SECONDS - started))
