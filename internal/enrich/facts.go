package enrich

import (
	"hash/maphash"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"bluetrail/internal/event"
)

// Facts are what the fields of events are enriched with: where an address is, whose
// network it belongs to, what lists say of it, and what is known of accounts. They are
// constant; Use puts others in their place. The zero value knows what ships.
type Facts struct {
	Geo      *Geo      // nil = the shipped countries
	Networks *Networks // nil = the shipped networks
	Lists    Lists     // nil = none
	Accounts map[string]Account
	Allow    AllowList

	sources [rememberedSources]atomic.Pointer[Source]
}

// Lists tells which lists an address is on.
type Lists interface {
	Lookup(a netip.Addr) []Hit
}

// Hit is the entry of a list that holds an address.
type Hit struct {
	List   string // its name
	Reason string // why the address is on it, as the list says; "" = it does not
	Kind   Kind   // of the addresses on the list, "" = the list says none
}

// Account is what is known of an AWS account.
type Account struct {
	ID, Name, Owner, Environment string
	Critical                     bool
}

// Source is what is known of the source address of an event. It is constant.
type Source struct {
	text    string
	Country string // as Location.Country
	ASN     string // decimal
	Network string // the name of the AS
	Kind    Kind
	Lists   []string // names of the lists that the address is on
	Reasons []string // why, with the list's name where several say so
}

// rememberedSources is how many sources Facts remember, at most some 4 MB. Events of one
// caller come together, and several fields ask for the same address. It must be a power
// of two.
const rememberedSources = 1 << 13

// maxRemembered bounds the text of a source that is remembered, in bytes.
const maxRemembered = 128

var current atomic.Pointer[Facts]

func init() { current.Store(&Facts{}) }

// Use makes the facts those of all fields from now on.
func Use(f *Facts) { current.Store(f) }

// Current returns the facts that fields are made from.
func Current() *Facts { return current.Load() }

var seed = maphash.MakeSeed()

// shippedGeo and shippedNetworkList stand in for databases that are not set.
var (
	shippedGeo         = &Geo{sources: []source{{Shipped, openShipped}}}
	shippedNetworkList = &Networks{sources: []networkSource{shippedNetworks{}}}
)

// Source returns what is known of a source: an address, or the name of a service, as
// sourceIPAddress has it.
func (f *Facts) Source(text string) *Source {
	if len(text) > maxRemembered {
		return f.find(text)
	}
	place := f.place(text)
	if s := place.Load(); s != nil && s.text == text {
		return s
	}
	s := f.find(text)
	place.Store(s)
	return s
}

// SourceNetwork is Source without the country, so that nobody who needs only the network
// has to wait until the countries are unpacked.
func (f *Facts) SourceNetwork(text string) *Source {
	if s := f.place(text).Load(); s != nil && s.text == text {
		return s
	}
	s, addr := f.classify(text)
	if addr.IsValid() {
		f.locate(s, addr)
	}
	return s
}

// place is where a source is remembered.
func (f *Facts) place(text string) *atomic.Pointer[Source] {
	return &f.sources[maphash.String(seed, text)&(rememberedSources-1)]
}

func (f *Facts) find(text string) *Source {
	s, addr := f.classify(text)
	if !addr.IsValid() {
		return s
	}
	geo := f.Geo
	if geo == nil {
		geo = shippedGeo
	}
	if loc, ok := geo.find(addr); ok {
		s.Country = loc.Country
	}
	f.locate(s, addr)
	return s
}

// classify returns a source of which only the text is known, and its address; none for
// the name of a service.
func (f *Facts) classify(text string) (s *Source, addr netip.Addr) {
	s = &Source{text: strings.Clone(text)}
	switch event.SourceKind(text) {
	case event.SourceService:
		s.Kind = KindService
		return s, addr
	case "":
		return s, addr // neither an address nor a service
	case event.SourcePrivate:
		s.Kind = KindPrivate
	default:
		s.Kind = KindUnknown
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return s, netip.Addr{}
	}
	return s, addr.WithZone("").Unmap()
}

// locate adds the network of an address, and what lists say of it.
func (f *Facts) locate(s *Source, addr netip.Addr) {
	networks := f.Networks
	if networks == nil {
		networks = shippedNetworkList
	}
	if n, ok := networks.Lookup(addr); ok {
		if n.ASN != 0 {
			s.ASN = strconv.FormatUint(uint64(n.ASN), 10)
		}
		s.Network = n.Name
		if s.Kind != KindPrivate || n.Kind != KindUnknown {
			s.Kind = n.Kind
		}
	}
	if f.Lists != nil {
		f.listed(s, f.Lists.Lookup(addr))
	}
}

// listed adds what lists say.
func (f *Facts) listed(s *Source, hits []Hit) {
	for _, h := range hits {
		if !slices.Contains(s.Lists, h.List) {
			s.Lists = append(s.Lists, h.List)
		}
		if h.Kind != "" {
			s.Kind = h.Kind
		}
		reason := h.Reason
		if reason == "" {
			continue
		}
		if len(hits) > 1 {
			reason = h.List + ": " + reason
		}
		if !slices.Contains(s.Reasons, reason) {
			s.Reasons = append(s.Reasons, reason)
		}
	}
}
