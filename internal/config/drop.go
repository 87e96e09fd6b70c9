package config

import (
	"fmt"
	"regexp"
)

// Drop describes records that are dropped before they are stored, by one of a search and a
// Sigma rule.
type Drop struct {
	Name   string `yaml:"name"`   // what they are counted under
	Search string `yaml:"search"` // SPL that looks at one event at a time
	Sigma  string `yaml:"sigma"`  // file of event rules
}

var dropName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// maxDrops bounds the filters: each looks at every record.
const maxDrops = 100

func (c *Config) checkDrops() error {
	if len(c.Drop) > maxDrops {
		return fmt.Errorf("drop has %d entries, at most %d are supported", len(c.Drop), maxDrops)
	}
	seen := map[string]bool{}
	for i, d := range c.Drop {
		switch {
		case !dropName.MatchString(d.Name):
			return fmt.Errorf("drop: entry %d: name %q: use lower-case letters, digits, - and _", i+1, d.Name)
		case seen[d.Name]:
			return fmt.Errorf("drop: name %q is used twice", d.Name)
		case (d.Search == "") == (d.Sigma == ""):
			return fmt.Errorf("drop: %s needs one of search and sigma", d.Name)
		}
		seen[d.Name] = true
	}
	return nil
}
