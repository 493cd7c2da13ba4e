//! The zones: addresses, DHCP, router advertisements, leases (skeleton).
