#!/bin/sh
# What a machine of the lab does with a lease: address, way out and resolvers, as its DHCP client tells it.
# `HOME` is the machine's directory; `resolv.conf` keeps its file, because it is bound over /etc/resolv.conf.
case $1 in
  bound|renew)
    ip -4 addr flush dev "$interface" scope global
    ip addr add "$ip/$mask" dev "$interface"
    for way in $router; do ip route replace default via "$way"; done
    for server in $dns; do echo "nameserver $server"; done > "$HOME/resolv.conf"
    env | grep -v '^PWD=' > "$HOME/lease"
    ;;
  deconfig)
    ip link set "$interface" up
    ip -4 addr flush dev "$interface" scope global
    ;;
esac
