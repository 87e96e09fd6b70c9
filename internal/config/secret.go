package config

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// Secret says where a secret is: file:PATH or env:NAME.
type Secret string

// Refers reports whether the secret is somewhere else, as it must be.
func (s Secret) Refers() bool {
	kind, rest, ok := strings.Cut(string(s), ":")
	return ok && rest != "" && (kind == "file" || kind == "env")
}

// maxSecret bounds a secret, in bytes.
const maxSecret = 16 << 10

// Read returns the secret. Read it for each use, so that it may change while a server
// runs.
func (s Secret) Read() (string, error) {
	kind, rest, _ := strings.Cut(string(s), ":")
	text := ""
	switch {
	case s == "":
		return "", nil
	case !s.Refers():
		return string(s), nil // a URL without secrets, see Output
	case kind == "env":
		if text = os.Getenv(rest); text == "" {
			return "", fmt.Errorf("the environment variable %s is not set", rest)
		}
	default:
		f, err := os.Open(rest)
		if err != nil {
			return "", fmt.Errorf("cannot read the secret: %w", err)
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
		if err != nil {
			return "", fmt.Errorf("cannot read the secret: %w", err)
		}
		text = string(data)
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return "", fmt.Errorf("the secret %s is empty", s)
	case len(text) > maxSecret:
		return "", fmt.Errorf("the secret %s has more than %d bytes", s, maxSecret)
	case strings.ContainsAny(text, "\r\n\x00"):
		return "", fmt.Errorf("the secret %s has more than one line", s)
	}
	return text, nil
}
