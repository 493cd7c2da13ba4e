#!/bin/sh
# Leads into one machine of the lab: its resolver, its trusted authority, its home; then runs the command there.
# `ip netns exec` has already given this process mounts of its own, so the binds below are seen by it alone.
set -e
lab=/run/preau-lab
who=$1
shift
[ -z "$PREAU_LAB_PID_FILE" ] || echo $$ > "$PREAU_LAB_PID_FILE"
home=$lab/$who
mkdir -p "$home"
trust=$lab/authority/authority.pem
if [ -e "$home/resolv.conf" ]; then
  mount --bind "$home/resolv.conf" "$(readlink -f /etc/resolv.conf)"
  mount --bind "$trust" /etc/ssl/certs/ca-certificates.crt
fi
cd "$home"
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$home" TMPDIR="$home" \
  USER="$who" LOGNAME="$who" LANG=C.UTF-8 TERM="${TERM:-dumb}" PS1="$who\$ " SSL_CERT_FILE="$trust" "$@"
