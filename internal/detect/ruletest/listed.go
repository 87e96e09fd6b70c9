package ruletest

import (
	"net/netip"
	"sync"

	"bluetrail/internal/enrich"
)

// listed is the network that tests may use for addresses on a list named example: TEST-NET-1
// of RFC 5737.
var listed = netip.MustParsePrefix("192.0.2.0/24")

// withListed adds the addresses of listed to other lists.
type withListed struct{ others enrich.Lists }

var _ enrich.Lists = withListed{}

// Lookup returns the entries of all lists that hold a.
func (l withListed) Lookup(a netip.Addr) (hits []enrich.Hit) {
	if l.others != nil {
		hits = l.others.Lookup(a)
	}
	if listed.Contains(a) {
		hits = append(hits, enrich.Hit{List: "example", Reason: "the tests of rules"})
	}
	return hits
}

// useListed puts the example's list beside those that are configured, so that rules about
// lists can be tested where there are none.
var useListed = sync.OnceFunc(func() {
	now := enrich.Current()
	enrich.Use(&enrich.Facts{Geo: now.Geo, Networks: now.Networks, Lists: withListed{now.Lists}, Accounts: now.Accounts, Allow: now.Allow})
})
