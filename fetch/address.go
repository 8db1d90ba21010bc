package fetch

import (
	"net"
	"net/netip"
	"slices"
)

// closed are the ranges of IANA's special-purpose registries that are not globally reachable, or lead to embedded or
// translated IPv4 addresses, besides those that netip knows
// (https://www.iana.org/assignments/iana-ipv4-special-registry, …/iana-ipv6-special-registry, November 2026).
var closed = prefixes(
	"0.0.0.0/8",       // this network
	"100.64.0.0/10",   // shared by carriers
	"192.0.0.0/24",    // protocol assignments
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // 6to4 relays
	"198.18.0.0/15",   // benchmarking
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"240.0.0.0/4",     // reserved

	"2001::/23",     // protocol assignments, Teredo among them
	"2001:db8::/32", // documentation
	"2002::/16",     // 6to4
	"3fff::/20",     // documentation
)

// global is IPv6's only range of global unicast so far. All else is special: NAT64 (64:ff9b::/96, 64:ff9b:1::/48), IPv4 in
// IPv6 (::/96), discard (100::/64), segment routing (5f00::/16), site-local (fec0::/10).
var global = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) []netip.Prefix {
	ps := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		ps[i] = netip.MustParsePrefix(text)
	}
	return ps
}

// public reports whether an address may be dialled: one that is reachable from everywhere, and not one of this machine's.
func public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Is6() && !global.Contains(a) {
		return false
	}
	return !slices.ContainsFunc(closed, func(p netip.Prefix) bool { return p.Contains(a) }) && !own(a)
}

// own reports whether an address is one of this machine's interfaces': what listens there trusts the machine, as behind a
// loopback address. It is asked anew, since addresses come and go.
func own(a netip.Addr) bool {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return true // it might be
	}
	return owns(addrs, a)
}

func owns(addrs []net.Addr, a netip.Addr) bool {
	return slices.ContainsFunc(addrs, func(addr net.Addr) bool {
		n, ok := addr.(*net.IPNet)
		if !ok {
			return false
		}
		mine, ok := netip.AddrFromSlice(n.IP)
		return ok && mine.Unmap() == a.Unmap()
	})
}
