package fn

import (
	"net/netip"

	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	function(conditional, "cidrmatch", "cidrmatch(<block>, <address>)", "Whether the address lies in the block, IPv4 or IPv6.", 2, 2, cidrmatch, `if(cidrmatch("10.0.0.0/8", "10.1.2.3"), 1, 2)`, `"1"`)
}

func cidrmatch(a []vector.Value) vector.Value {
	if a[0].IsNull() || a[1].IsNull() {
		return null
	}
	p, err := netip.ParsePrefix(a[0].Text())
	if err != nil {
		return vector.Truth(false)
	}
	p = p.Masked()
	return spl.AnyOf(a[1], func(s string) bool {
		ip, err := netip.ParseAddr(s)
		return err == nil && p.Contains(ip.Unmap())
	})
}
