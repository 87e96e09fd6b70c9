package config

import (
	"fmt"
	"time"
)

// Organization says how AWS Organizations is asked which accounts there are. The keys of
// Access lie beside those of Organization.
type Organization struct {
	Access `yaml:",inline"`
	Every  time.Duration `yaml:"every"` // between two questions, 0 = 24h
}

// defaultOrganization is how often AWS Organizations is asked.
const defaultOrganization = 24 * time.Hour

func (c *Config) checkOrganization() error {
	o := c.Organization
	if o == nil {
		return nil
	}
	if o.Every == 0 {
		o.Every = defaultOrganization
	}
	if o.Every < leastEvery || o.Every > mostEvery {
		return fmt.Errorf("organization: every must be between %s and %s, not %s", leastEvery, mostEvery, o.Every)
	}
	if err := o.Access.Check(); err != nil {
		return fmt.Errorf("organization: %w", err)
	}
	return nil
}
