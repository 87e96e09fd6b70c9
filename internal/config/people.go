package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// TLS says with which certificate a server answers. Without one it speaks plain HTTP.
type TLS struct {
	Cert       string `yaml:"cert"`        // file of a certificate and those that signed it, PEM
	Key        string `yaml:"key"`         // file of its key, PEM
	SelfSigned bool   `yaml:"self_signed"` // make a certificate, and keep it in the data directory
}

// On reports whether the server speaks TLS.
func (t *TLS) On() bool { return t.SelfSigned || t.Cert != "" }

// Auth says how people sign in.
type Auth struct {
	Idle     time.Duration `yaml:"idle"`     // after which an unused session ends
	Lifetime time.Duration `yaml:"lifetime"` // after which a session ends in any case
	OIDC     *OIDC         `yaml:"oidc"`     // nil = none
}

// OIDC is single sign-on by OpenID Connect.
type OIDC struct {
	Issuer       string            `yaml:"issuer"`
	ClientID     string            `yaml:"client_id"`
	ClientSecret Secret            `yaml:"client_secret"` // "" = a public client
	URL          string            `yaml:"url"`           // under which browsers reach this server
	Label        string            `yaml:"label"`         // of the button
	Scopes       []string          `yaml:"scopes"`        // beside openid
	NameClaim    string            `yaml:"name_claim"`    // what accounts are called by; preferred_username unless set
	RoleClaim    string            `yaml:"role_claim"`    // groups unless set
	Roles        map[string]string `yaml:"roles"`         // by a value of the role claim; the highest counts
	DefaultRole  string            `yaml:"default_role"`  // of those whom no value gives a role; "" = they are refused
}

const (
	leastIdle    = time.Minute
	mostLifetime = 90 * 24 * time.Hour
)

var roles = []string{"viewer", "analyst", "engineer", "admin"}

func (c *Config) checkPeople() error {
	t := &c.Serve.TLS
	switch {
	case (t.Cert == "") != (t.Key == ""):
		return errors.New("serve.tls needs both cert and key")
	case t.Cert != "" && t.SelfSigned:
		return errors.New("serve.tls: self_signed makes a certificate of its own; remove cert and key, or self_signed")
	case c.Auth.Idle < leastIdle || c.Auth.Idle > mostLifetime:
		return fmt.Errorf("auth.idle must be between %s and %s, not %s", leastIdle, mostLifetime, c.Auth.Idle)
	case c.Auth.Lifetime < leastIdle || c.Auth.Lifetime > mostLifetime:
		return fmt.Errorf("auth.lifetime must be between %s and %s, not %s", leastIdle, mostLifetime, c.Auth.Lifetime)
	}
	for _, p := range c.Serve.TrustedProxies {
		if _, err := netip.ParseAddr(p); err == nil {
			continue
		}
		if _, err := netip.ParsePrefix(p); err != nil {
			return fmt.Errorf("serve.trusted_proxies: %q is neither an address nor a network", p)
		}
	}
	for _, h := range c.Serve.Hosts {
		if h == "" || strings.ContainsAny(h, "/:* ") {
			return fmt.Errorf("serve.hosts: %q must be a host name, without scheme and port", h)
		}
	}
	if c.Auth.OIDC == nil {
		return nil
	}
	return c.Auth.OIDC.check()
}

func (o *OIDC) check() error {
	for _, u := range []struct{ key, value string }{{"issuer", o.Issuer}, {"url", o.URL}} {
		parsed, err := url.Parse(u.value)
		if err != nil || parsed.Host == "" || parsed.Scheme != "https" && parsed.Scheme != "http" {
			return fmt.Errorf("auth.oidc.%s must be a URL such as https://example.com, not %q", u.key, u.value)
		}
		if host := parsed.Hostname(); parsed.Scheme == "http" && host != "localhost" && host != "127.0.0.1" && host != "::1" {
			return fmt.Errorf("auth.oidc.%s must begin with https://, because secrets are sent to it: %q", u.key, u.value)
		}
	}
	if o.ClientID == "" {
		return errors.New("auth.oidc needs client_id")
	}
	if o.ClientSecret != "" && !o.ClientSecret.Refers() {
		return errors.New("auth.oidc.client_secret must be file:PATH or env:NAME, so that no secret is in the configuration")
	}
	if len(o.Roles) == 0 && o.DefaultRole == "" {
		return errors.New("auth.oidc gives nobody a role; set roles or default_role")
	}
	for value, role := range o.Roles {
		if !slices.Contains(roles, role) {
			return fmt.Errorf("auth.oidc.roles: %q must be one of %s, not %q", value, strings.Join(roles, ", "), role)
		}
	}
	if o.DefaultRole != "" && !slices.Contains(roles, o.DefaultRole) {
		return fmt.Errorf("auth.oidc.default_role must be one of %s, not %q", strings.Join(roles, ", "), o.DefaultRole)
	}
	return nil
}
