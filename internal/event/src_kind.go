package event

import (
	"net/netip"
	"strings"
)

func init() {
	Register(Field{Name: "src_kind", Group: GroupRecord, Type: Text, From: []string{"sourceIPAddress"}, Derive: sourceKind,
		Doc: "What the source address is: `public`, `private` (also loopback, link-local and carrier-grade NAT) or `aws-service` for the name of a service. Only public addresses have a Country."})
}

// carrierNAT is the shared address space of RFC 6598.
var carrierNAT = netip.MustParsePrefix("100.64.0.0/10")

// What a source address can be.
const (
	SourcePublic  = "public"
	SourcePrivate = "private"
	SourceService = "aws-service"
)

func sourceKind(in Inputs) Cell {
	kind := SourceKind(in.Text(0))
	return Cell{Text: kind, Set: kind != ""}
}

// SourceKind says what a sourceIPAddress is: an address, or a service name such as
// cloudformation.amazonaws.com or "AWS Internal". It returns "" for anything else.
func SourceKind(text string) string {
	addr, err := netip.ParseAddr(text)
	if err == nil {
		addr = addr.Unmap()
		if addr.IsPrivate() || !addr.IsGlobalUnicast() || carrierNAT.Contains(addr) {
			return SourcePrivate
		}
		return SourcePublic
	}
	name := strings.ToLower(text)
	if strings.HasPrefix(name, "aws internal") || strings.HasSuffix(name, ".amazonaws.com") || strings.HasSuffix(name, ".amazonaws.com.cn") || strings.HasSuffix(name, ".aws.internal") {
		return SourceService
	}
	return ""
}
