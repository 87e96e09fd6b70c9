package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Facts says which accounts and regions to ask for what they have. Each role is asked in
// each region.
type Facts struct {
	Regions    []string      `yaml:"regions"`
	Roles      []string      `yaml:"roles"`       // to assume, one for each account; none = the credentials' own account
	ExternalID string        `yaml:"external_id"` // for the roles
	Aggregator string        `yaml:"aggregator"`  // of AWS Config, to ask instead of EC2
	Endpoint   string        `yaml:"endpoint"`    // of a VPC endpoint; "" = AWS's own
	Every      time.Duration `yaml:"every"`       // 0 = 15m
}

// Bounds of Facts.
const (
	defaultFacts = 15 * time.Minute
	mostFacts    = 1000 // regions times roles, of all entries
)

// checkFacts fills in what entries leave out and refuses what makes no sense.
func (c *Config) checkFacts(path string) error {
	n := 0
	for i := range c.Facts {
		f := &c.Facts[i]
		bad := func(format string, args ...any) error {
			return fmt.Errorf("configuration %q: facts: entry %d: %s", path, i+1, fmt.Sprintf(format, args...))
		}
		if len(f.Regions) == 0 {
			return bad("give it regions, as in regions: [eu-central-1]")
		}
		for _, r := range f.Regions {
			if r == "" || strings.Trim(r, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
				return bad("%q is no region; they are written as eu-central-1", r)
			}
		}
		for _, r := range f.Roles {
			if parts := strings.Split(r, ":"); len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" || !strings.HasPrefix(parts[5], "role/") {
				return bad("%q is no role; write it as arn:aws:iam::111122223333:role/NAME", r)
			}
		}
		if f.ExternalID != "" && len(f.Roles) == 0 {
			return bad("external_id is for roles")
		}
		if f.Endpoint != "" {
			if u, err := url.Parse(f.Endpoint); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
				return bad("its endpoint must begin with https:// or http://")
			}
			if len(f.Regions) > 1 {
				return bad("an endpoint is of one region; give each region an entry")
			}
		}
		if f.Every == 0 {
			f.Every = defaultFacts
		}
		if f.Every < leastEvery || f.Every > mostEvery {
			return bad("every must be between %s and %s, not %s", leastEvery, mostEvery, f.Every)
		}
		n += len(f.Regions) * max(len(f.Roles), 1)
	}
	if n > mostFacts {
		return fmt.Errorf("configuration %q: facts: these are %d accounts and regions, of at most %d", path, n, mostFacts)
	}
	return nil
}
