#!/usr/bin/env bash
# Starts a whole school on this machine and keeps it until Ctrl-C: installs what is missing, builds, runs `preau-lab up`.
# `./lab.sh --release` builds with optimisation; other arguments go to `preau-lab up` (see `--help`).
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
. .ci/install
trap 'printf "\n✗ lab.sh stopped before the school was up. Nothing is running.\n" >&2' EXIT

profile=debug
build=(cargo build --workspace --locked)
arguments=()
for argument in "$@"; do
  case $argument in
    --release)
      profile=release
      build+=(--release)
      ;;
    *) arguments+=("$argument") ;;
  esac
done

say "1/3 looking for what is missing"
install_for_lab
say "2/3 building (${build[*]}); the first time takes some minutes"
as_owner "${build[@]}"
say "3/3 starting the school"
# The school has its own words for its end; what `exec` replaces says nothing more.
exec "target/$profile/preau-lab" up "${arguments[@]}"
