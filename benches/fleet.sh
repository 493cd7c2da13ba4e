#!/usr/bin/env bash
# What a fleet costs central: a central of its own in FOLDER, and so many simulated boxes that speak the real protocol.
#
#   cargo build --release -p preau-central -p preau-lab
#   benches/fleet.sh 10000 FOLDER steady return      heartbeats of a minute; then all return at once
#   benches/fleet.sh 2000 FOLDER click               a rule published for all: from the click to each box
#
# A folder that was used before is used again, with its enrolments. DATABASE=postgresql://… takes that in place of SQLite.
set -euo pipefail
cd "$(dirname "$0")/.."
boxes=$1 folder=$2
shift 2
programs=${PROGRAMS:-target/release}
port=${PORT:-18443}
ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"
mkdir -p "$folder"
config=$folder/central.toml

if [ ! -e "$config" ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=console.example \
    -addext subjectAltName=DNS:console.example -keyout "$folder/c.key" -out "$folder/c.pem" 2> "$folder/openssl.log"
  cat > "$config" <<TOML
version = 1
database = "${DATABASE:-sqlite:central.sqlite}"
repository = "repository"
keys = "keys"
academie = "Académie d'Exemple"
boxes = { listen = "127.0.0.1:$port", url = "https://central.example:$port" }
console = { listen = "127.0.0.1:$((port + 1))", name = "console.example", certificate = "c.pem", key = "c.key" }
TOML
  "$programs/preau-central" --config "$config" init --folder "$folder/offline" > "$folder/init.log"
fi

RUST_LOG=warn "$programs/preau-central" --config "$config" run > "$folder/central.log" 2>&1 &
central=$!
trap 'kill $central; wait $central || true' EXIT
until (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; do sleep 0.2; done

fleet() {
  echo "== $boxes boxes, $*; load $(cut -d' ' -f1 /proc/loadavg)"
  "$programs/preau-lab" fleet "$boxes" --central "127.0.0.1:$port" --folder "$folder/boxes" \
    --register "$config" --token-file "$folder/tokens" --watch "$central" "$@"
}

for measure in "$@"; do
  case $measure in
    enrol) fleet --come-within 60 --minutes 0 ;;
    steady) fleet --come-within 60 --minutes "${MINUTES:-2}" ;;
    return) fleet --return-at-once --minutes 1 ;;
    click) fleet --come-within 20 --minutes 1 --release "$config" ;;
    *) echo "$measure is none of enrol, steady, return, click" >&2; exit 2 ;;
  esac
done
