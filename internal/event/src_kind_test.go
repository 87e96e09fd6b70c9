package event

import "testing"

func TestSourceKind(t *testing.T) {
	for text, want := range map[string]string{
		"198.51.100.7": "public", "2600:1f18::1": "public", "::ffff:8.8.8.8": "public",
		"10.1.2.3": "private", "172.31.0.9": "private", "192.168.1.1": "private", "fd00::1": "private", "127.0.0.1": "private",
		"169.254.169.254": "private", "fe80::1": "private", "100.64.3.4": "private", "::ffff:10.0.0.1": "private", "0.0.0.0": "private",
		"cloudformation.amazonaws.com": "aws-service", "AWS Internal": "aws-service", "aws internal": "aws-service", "s3.amazonaws.com.cn": "aws-service",
		"host.example.com": "", "amazonaws.com.example.com": "", "": "",
	} {
		c := sourceKind(Inputs{{Text: text, Set: text != ""}})
		if c.Text != want || c.Set != (want != "") {
			t.Errorf("%q is %q (set %v), want %q", text, c.Text, c.Set, want)
		}
	}
	if c := sourceKind(Inputs{{}}); c.Set {
		t.Error("an event without an address has a kind")
	}
}
