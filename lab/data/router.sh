#!/bin/sh
# A school's network without a box: every zone gets addresses, everything is forwarded, nothing is judged.
set -e
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip link add ped0 type bridge
ip link set ped0 up
for port in port1 port2 port3 port4; do ip link set $port master ped0 up; done
zone() {
  ip link set "$1" up
  ip addr add "10.$2.0.1/22" dev "$1"
  ip addr add "fd00:$2::1/64" dev "$1" nodad
  zones="$zones --interface=$1 --dhcp-range=10.$2.0.20,10.$2.3.250,1h --dhcp-range=fd00:$2::,ra-only"
}
zone ped0 10
zone adm0 20
zone inv0 30
zone equ0 40
nft add table inet router
nft add chain inet router out '{ type nat hook postrouting priority srcnat; }'
nft add rule inet router out oifname wan0 masquerade
exec dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --user=root --group= --log-facility=- --dhcp-authoritative \
  --bind-dynamic --dhcp-leasefile=leases --no-ping --enable-ra --ra-param='*,4,600' --no-resolv --no-hosts \
  --server=198.51.100.53 --server=2001:db8:ffff::53 $zones
