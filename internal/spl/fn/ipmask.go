package fn

import (
	"net/netip"

	"bluetrail/internal/vector"
)

func init() {
	function(conversion, "ipmask", "ipmask(<mask>, <address>)", "The address with the bits outside the mask cleared.", 2, 2, ipmask, `ipmask("255.255.255.0", "10.20.30.120")`, `"10.20.30.0"`)
}

func ipmask(a []vector.Value) vector.Value {
	mask, err := netip.ParseAddr(a[0].Text())
	if err != nil || !mask.Is4() {
		return null
	}
	ip, err := netip.ParseAddr(a[1].Text())
	if err != nil || !ip.Is4() {
		return null
	}
	m, b := mask.As4(), ip.As4()
	for i := range b {
		b[i] &= m[i]
	}
	return vector.String(netip.AddrFrom4(b).String())
}
