package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// List is a list of addresses, such as a threat list. Exactly one of File, Lookup and URL
// says where it comes from.
type List struct {
	Name         string        `yaml:"name"` // "" = that of Lookup
	File         string        `yaml:"file"`
	Lookup       string        `yaml:"lookup"` // a lookup that a search writes
	URL          string        `yaml:"url"`
	Every        time.Duration `yaml:"every"`     // between two requests; 0 = 6h
	AuthFile     string        `yaml:"auth_file"` // holds the value of the Authorization header
	Format       string        `yaml:"format"`    // plain, csv, stix or misp; "" = told from the content
	Column       string        `yaml:"column"`    // CSV: of the addresses
	ReasonColumn string        `yaml:"reason_column"`
	Kind         string        `yaml:"kind"`   // src_network_kind of the addresses on the list
	Reason       string        `yaml:"reason"` // of entries without one
}

// Allow is an entry of an allow-list. Findings that it holds for are kept quiet.
type Allow struct {
	Addresses []string `yaml:"addresses"` // addresses and networks
	Actors    []string `yaml:"actors"`    // as the field actor has them; * stands for any text
	Rules     []string `yaml:"rules"`     // ids, names or titles; none = all
	Reason    string   `yaml:"reason"`
	Owner     string   `yaml:"owner"`
	Expires   string   `yaml:"expires"` // the last day, as 2027-01-31, or a time; "" = never
}

// Bounds of lists.
const (
	leastEvery   = time.Minute
	mostEvery    = 31 * 24 * time.Hour
	defaultEvery = 6 * time.Hour
	maxLists     = 200
)

// checkLists fills in what lists leave out and refuses what makes no sense.
func (c *Config) checkLists(path string) error {
	seen := map[string]bool{}
	if len(c.Lists) > maxLists {
		return fmt.Errorf("configuration %q: there are more than %d lists", path, maxLists)
	}
	for i := range c.Lists {
		l := &c.Lists[i]
		if l.Name == "" {
			l.Name = l.Lookup
		}
		bad := func(format string, args ...any) error {
			what := fmt.Sprintf("entry %d", i+1)
			if l.Name != "" {
				what = fmt.Sprintf("list %q", l.Name)
			}
			return fmt.Errorf("configuration %q: lists: %s: %s", path, what, fmt.Sprintf(format, args...))
		}
		given := 0
		for _, s := range []string{l.File, l.Lookup, l.URL} {
			if s != "" {
				given++
			}
		}
		switch {
		case l.Name == "":
			return bad("it has no name")
		case strings.Trim(l.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") != "" || strings.HasPrefix(l.Name, "."):
			return bad("a name may have letters, digits, _, - and dots, and not begin with one")
		case seen[strings.ToLower(l.Name)]:
			return bad("another list has this name")
		case given != 1:
			return bad("give it one of file, lookup and url")
		case l.URL == "" && (l.Every != 0 || l.AuthFile != ""):
			return bad("every and auth_file are for lists with a url")
		}
		seen[strings.ToLower(l.Name)] = true
		if l.URL != "" {
			u, err := url.Parse(l.URL)
			if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
				return bad("its url must begin with https:// or http://")
			}
			if l.Every == 0 {
				l.Every = defaultEvery
			}
			if l.Every < leastEvery || l.Every > mostEvery {
				return bad("every must be between %s and %s, not %s", leastEvery, mostEvery, l.Every)
			}
		}
		switch l.Format {
		case "", "plain", "csv", "stix", "misp":
		default:
			return bad("its format must be plain, csv, stix or misp, not %q", l.Format)
		}
		switch l.Kind {
		case "", "aws", "cloud", "hosting", "vpn", "tor", "access", "private":
		default:
			return bad("its kind must be aws, cloud, hosting, vpn, tor, access or private, not %q", l.Kind)
		}
	}
	return nil
}
