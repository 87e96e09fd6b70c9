package enrich

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Allow is an entry of an allow-list: who may do what rules would raise.
type Allow struct {
	Addresses []netip.Prefix   // none = from anywhere
	Actors    []*regexp.Regexp // none = anybody
	Rules     []string         // ids, names or titles; none = all rules
	Reason    string
	Owner     string
	Expires   time.Time // zero = never
}

// NewAllow reads an entry. expires is the last day of it, as 2027-01-31 in UTC, or a time
// in RFC 3339. In actors, * stands for any text.
func NewAllow(addresses, actors, rules []string, reason, owner, expires string) (*Allow, error) {
	a := &Allow{Rules: rules, Reason: strings.TrimSpace(reason), Owner: strings.TrimSpace(owner)}
	switch {
	case len(addresses) == 0 && len(actors) == 0:
		return nil, errors.New("it names neither addresses nor actors")
	case a.Reason == "":
		return nil, errors.New("it has no reason")
	case a.Owner == "":
		return nil, errors.New("it has no owner")
	}
	for _, text := range addresses {
		p, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			addr, err := netip.ParseAddr(strings.TrimSpace(text))
			if err != nil {
				return nil, fmt.Errorf("%q is not an address or a network", Shorten(text, 60))
			}
			addr = addr.Unmap()
			p = netip.PrefixFrom(addr, addr.BitLen())
		}
		if p.Bits() == 0 {
			return nil, fmt.Errorf("%q allows every address", text)
		}
		a.Addresses = append(a.Addresses, p.Masked())
	}
	for _, text := range actors {
		if strings.Trim(text, "* ") == "" {
			return nil, fmt.Errorf("%q allows everybody", text)
		}
		pattern := strings.ReplaceAll(regexp.QuoteMeta(text), `\*`, `.*`)
		re, err := regexp.Compile(`(?s)^` + pattern + `$`)
		if err != nil {
			return nil, fmt.Errorf("actor %q: %w", Shorten(text, 60), err)
		}
		a.Actors = append(a.Actors, re)
	}
	if expires != "" {
		day, err := time.Parse(time.DateOnly, expires)
		if err == nil {
			a.Expires = day.AddDate(0, 0, 1)
		} else if a.Expires, err = time.Parse(time.RFC3339, expires); err != nil {
			return nil, fmt.Errorf("expires must be a day such as 2027-01-31, not %q", Shorten(expires, 40))
		}
	}
	return a, nil
}

// Expired reports whether the entry no longer holds at a time.
func (a *Allow) Expired(at time.Time) bool { return !a.Expires.IsZero() && !at.Before(a.Expires) }

// String says what the entry is for.
func (a *Allow) String() string {
	text := a.Reason + " (" + a.Owner
	if !a.Expires.IsZero() {
		text += ", until " + a.Expires.Add(-time.Second).UTC().Format(time.DateOnly)
	}
	return text + ")"
}

// AllowList is entries in their order.
type AllowList []*Allow

// For returns the first entry that holds for what a rule raised: it must cover all actors
// and all addresses, so that nobody hides among those who may. rule are the id, name and
// title of the rule; at is when it happened. nil = no entry holds.
func (l AllowList) For(actors, addresses, rule []string, at time.Time) *Allow {
	for _, a := range l {
		if a.holds(actors, addresses, rule, at) {
			return a
		}
	}
	return nil
}

func (a *Allow) holds(actors, addresses, rule []string, at time.Time) bool {
	if a.Expired(at) {
		return false
	}
	if len(a.Rules) > 0 && !slices.ContainsFunc(a.Rules, func(ref string) bool {
		return slices.ContainsFunc(rule, func(name string) bool { return name != "" && strings.EqualFold(ref, name) })
	}) {
		return false
	}
	if len(a.Actors) > 0 && (len(actors) == 0 || !every(actors, a.actor)) {
		return false
	}
	return len(a.Addresses) == 0 || len(addresses) > 0 && every(addresses, a.address)
}

func every(list []string, holds func(string) bool) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !holds(s) })
}

func (a *Allow) actor(name string) bool {
	return slices.ContainsFunc(a.Actors, func(re *regexp.Regexp) bool { return re.MatchString(name) })
}

func (a *Allow) address(text string) bool {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return false // the name of a service
	}
	addr = addr.WithZone("").Unmap()
	return slices.ContainsFunc(a.Addresses, func(p netip.Prefix) bool { return p.Contains(addr) })
}
