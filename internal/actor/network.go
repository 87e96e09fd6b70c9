package actor

import (
	"fmt"
	"net/netip"
	"strconv"
)

// Network is where a call came from.
type Network struct {
	ASN    uint32 // 0 = unknown; then Prefix stands for it
	Name   string
	Kind   string // aws, hosting, vpn and so on; "" = unknown
	Prefix netip.Prefix
}

// Networks finds the network of an address; ok is false if it is not known.
type Networks func(netip.Addr) (n Network, ok bool)

// of returns the network of a sourceIPAddress, nil for what is no address, such as the
// name of a service. Without data on networks, neighbouring addresses make one.
func (f Networks) of(address string) *Network {
	if address == "" || address[len(address)-1] == 'm' || address == "AWS Internal" {
		return nil
	}
	a, err := netip.ParseAddr(address)
	if err != nil {
		return nil
	}
	a = a.WithZone("").Unmap()
	if f != nil {
		if n, ok := f(a); ok && n.ASN != 0 {
			return &n
		}
	}
	bits := 16
	if a.Is6() {
		bits = 32
	}
	p, _ := a.Prefix(bits) // the length is valid
	return &Network{Prefix: p}
}

func (n *Network) key() uint64 {
	if n.ASN != 0 {
		return hash("as" + strconv.FormatUint(uint64(n.ASN), 10))
	}
	return hash(n.Prefix.String())
}

// String names the network for people.
func (n *Network) String() string {
	switch {
	case n.ASN == 0:
		return n.Prefix.String()
	case n.Name == "":
		return fmt.Sprintf("AS%d", n.ASN)
	}
	return fmt.Sprintf("AS%d %s", n.ASN, n.Name)
}
