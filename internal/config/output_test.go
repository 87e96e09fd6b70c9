package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func loadText(t *testing.T, text string) (Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(path)
}

// TestOutputExamples loads the examples of docs/outputs.md, which show every type.
func TestOutputExamples(t *testing.T) {
	text, err := os.ReadFile("../../docs/outputs.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		c, err := loadText(t, block[1])
		if err != nil {
			t.Errorf("%v in\n%s", err, block[1])
		}
		for _, o := range c.Outputs {
			seen[o.Type] = true
			if o.Timeout == 0 || o.Tries == 0 || o.GiveUp != 24*time.Hour {
				t.Errorf("%s lacks defaults: %+v", o.Name, o)
			}
		}
	}
	for typ := range outputKeys {
		if !seen[typ] {
			t.Errorf("docs/outputs.md has no example of %s", typ)
		}
	}
}

// TestBadOutputs: each fault is named, and no error shows what may be a secret.
func TestBadOutputs(t *testing.T) {
	slack := "outputs: [{name: a, type: slack, url: env:X}]\n"
	for text, want := range map[string]string{
		"outputs: [{name: a, type: slak, url: env:X}]":                                                                `there is no type "slak"`,
		"outputs: [{name: a b, type: slack, url: env:X}]":                                                             "name",
		"outputs: [{name: a, type: slack}]":                                                                           "needs url",
		"outputs: [{name: a, type: slack, url: 'https://hooks.slack.com/HIDDEN'}]":                                    "file:PATH",
		"outputs: [{name: a, type: webhook, url: 'https://u:HIDDEN@h/'}]":                                             "password",
		"outputs: [{name: a, type: webhook, url: 'ftp://HIDDEN'}]":                                                    "https://HOST/PATH",
		"outputs: [{name: a, type: webhook, url: 'https://h/', secret: HIDDEN}]":                                      "secret is a secret",
		"outputs: [{name: a, type: pagerduty, token: HIDDEN}]":                                                        "token is a secret",
		"outputs: [{name: a, type: slack, url: env:X, to: [b@c.d]}]":                                                  "has no to",
		"outputs: [{name: a, type: webhook, url: env:X, format: text}]":                                               "format",
		"outputs: [{name: a, type: slack, url: env:X}, {name: a, type: slack, url: env:X}]":                           "twice",
		"outputs: [{name: a, type: slack, url: env:X, timeout: 1h}]":                                                  "timeout",
		"outputs: [{name: a, type: slack, url: env:X, digest: 48h}]":                                                  "digest",
		"outputs: [{name: a, type: slack, url: env:X, quiet: {from: '25:00', to: '07:00'}}]":                          "times of day",
		"outputs: [{name: a, type: slack, url: env:X, quiet: {from: '07:00', to: '07:00'}}]":                          "differ",
		"outputs: [{name: a, type: slack, url: env:X, quiet: {from: '22:00', to: '07:00', timezone: X/Y}}]":           "timezone",
		"outputs: [{name: a, type: slack, url: env:X, quiet: {from: '22:00', to: '07:00', days: [Monday]}}]":          "days",
		"outputs: [{name: a, type: slack, url: env:X, quiet: {from: '22:00', to: '07:00', except: bad}}]":             "except",
		"outputs: [{name: a, type: email, server: h, from: x, to: [a@b.c]}]":                                          "e-mail address",
		"outputs: [{name: a, type: email, server: h, from: a@b.c, to: [a@b.c], user: u}]":                             "belong together",
		"outputs: [{name: a, type: email, server: h, from: a@b.c, to: [a@b.c], user: u, password: env:P, tls: none}]": "in the clear",
		"outputs: [{name: a, type: sns, topic: 'arn:aws:sqs:eu-west-1:111122223333:x'}]":                              "topic",
		"outputs: [{name: a, type: securityhub, account: '1', region: eu-west-1}]":                                    "12 digits",
		"outputs: [{name: a, type: securityhub, account: '111122223333', region: 'x.evil.example/'}]":                 "region",
		"outputs: [{name: a, type: syslog, server: 'http://h'}]":                                                      "tls://HOST:PORT",
		"outputs: [{name: a, type: file, path: x/}]":                                                                  "file",
		"outputs: [{name: a, type: file, path: x, keep: -1}]":                                                         "keep",
		slack + "routes: [{outputs: [b]}]":                                                                            `no output "b"`,
		slack + "routes: [{severity: high}]":                                                                          "no outputs",
		slack + "routes: [{outputs: [a], severity: bad}]":                                                             "severity",
		slack + "routes: [{outputs: [a], changes: [gone]}]":                                                           "changes",
		slack + "routes: [{outputs: [a], rules: ['[']}]":                                                              "pattern",
		slack + "maintenance: [{from: 2026-01-02T00:00:00Z, until: 2026-01-01T00:00:00Z}]":                            "after from",
		slack + "maintenance: [{reason: x}]":                                                                          "from and until",
	} {
		_, err := loadText(t, text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "HIDDEN") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
