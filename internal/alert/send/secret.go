package send

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"bluetrail/internal/config"
)

// place reads a URL that may be a secret.
func place(s config.Secret) (*url.URL, error) {
	text, err := s.Read()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("the URL (%s) is not https://HOST/PATH", hint(s))
	}
	return u, nil
}

// hint names a secret without showing it.
func hint(s config.Secret) string {
	if s.Refers() {
		return string(s)
	}
	return "in the configuration"
}

// leastSecret is the length from which a part of a URL is taken for a secret.
const leastSecret = 6

// redact replaces the secrets of an output in a text.
func (o *Output) redact(text string) string {
	var hide []string
	for _, s := range []config.Secret{o.URL, o.Token, o.Secret, o.Password} {
		if !s.Refers() {
			continue
		}
		secret, err := s.Read()
		if err != nil {
			continue
		}
		hide = append(hide, secret, url.QueryEscape(secret), url.PathEscape(secret))
		u, err := url.Parse(secret)
		if err != nil || u.Host == "" {
			continue
		}
		if p, ok := u.User.Password(); ok {
			hide = append(hide, p, url.QueryEscape(p))
		}
		parts := append(strings.FieldsFunc(u.EscapedPath(), func(r rune) bool { return r == '/' }), strings.FieldsFunc(u.RawQuery, func(r rune) bool { return r == '&' || r == '=' })...)
		parts = append(parts, u.User.Username())
		for _, p := range parts {
			if len(p) >= leastSecret {
				plain, _ := url.QueryUnescape(p)
				hide = append(hide, p, plain)
			}
		}
		if o.Type == "shoutrrr" && len(u.Host) >= leastSecret { // a token for some services
			hide = append(hide, u.Host)
		}
	}
	slices.SortFunc(hide, func(a, b string) int { return len(b) - len(a) })
	for _, s := range hide {
		if s != "" {
			text = strings.ReplaceAll(text, s, "[secret]")
		}
	}
	return text
}

// Ready reports whether the secrets of an output can be read.
func (o *Output) Ready() error {
	for _, s := range []config.Secret{o.URL, o.Token, o.Secret, o.Password} {
		if _, err := s.Read(); err != nil {
			return err
		}
	}
	return nil
}
