package fn

import (
	"net/netip"

	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	function(conditional, "cidrmatch", "cidrmatch(<block>, <address>)", "Whether the IPv4 or IPv6 address is in the block.", 2, 2, cidrmatch, `if(cidrmatch("10.0.0.0/8", "10.1.2.3"), 1, 2)`, `"1"`)
	gives(syntax.GivesTest, "cidrmatch")
}

func cidrmatch(a []vector.Value) vector.Value {
	if a[0].IsNull() || a[1].IsNull() {
		return null
	}
	return expr.AnyOf(a[0], func(block string) bool {
		p, err := netip.ParsePrefix(block)
		if err != nil {
			return false
		}
		p = p.Masked()
		return expr.AnyOf(a[1], func(s string) bool {
			ip, err := netip.ParseAddr(s)
			return err == nil && p.Contains(ip.Unmap())
		}).True()
	})
}
