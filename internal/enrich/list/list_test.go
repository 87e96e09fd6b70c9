package list

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

const bundle = `{"type":"bundle","id":"bundle--1","objects":[
 {"type":"identity","name":"somebody"},
 {"type":"indicator","spec_version":"2.1","name":"C2 of Example","pattern":"[ipv4-addr:value = '203.0.113.9']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"},
 {"type":"indicator","description":"two of them","pattern":"[ipv4-addr:value IN ('198.51.100.1', '198.51.100.2') OR ipv6-addr:value = '2001:db8::1']","pattern_type":"stix"},
 {"type":"indicator","indicator_types":["malicious-activity"],"pattern":"[ipv4-addr:value ISSUBSET '192.0.2.0/24']","pattern_type":"stix"},
 {"type":"indicator","name":"over","pattern":"[ipv4-addr:value = '203.0.113.10']","valid_until":"2026-02-01T00:00:00Z"},
 {"type":"indicator","name":"revoked","revoked":true,"pattern":"[ipv4-addr:value = '203.0.113.11']"},
 {"type":"indicator","name":"domain","pattern":"[domain-name:value = 'example.com']"},
 {"type":"indicator","name":"both","pattern":"[ipv4-addr:value = '203.0.113.12' AND domain-name:value = 'example.com']"},
 {"type":"indicator","name":7}
]}`

const event = `{"response":[{"Event":{"info":"Campaign X","Attribute":[
 {"type":"ip-src","value":"203.0.113.9","comment":"scanner","to_ids":true},
 {"type":"ip-dst","value":"198.51.100.0/24","category":"Network activity"},
 {"type":"ip-dst","value":"192.0.2.1","to_ids":false},
 {"type":"ip-dst|port","value":"192.0.2.2|443","to_ids":true},
 {"type":"sha256","value":"00"},
 {"type":"ip-src","value":"not an address"}],
 "Object":[{"Attribute":[{"type":"domain|ip","value":"example.com|192.0.2.3","to_ids":true}]}]}}]}`

func TestParse(t *testing.T) {
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name, text string
		o          Options
		format     Format
		has        map[string]string // address to reason, "-" = not on the list
		counts     [4]int            // entries, expired, others, faults
		fault      string
	}{
		{"plain", "# a comment\n203.0.113.9\n198.51.100.0/24 ; SBL1\n2001:db8::/32 # v6\n\n192.0.2.1-192.0.2.3\n10.0.0.1 many columns\nnonsense\n::ffff:8.8.8.8\n203.0.113.9 # again\n", Options{}, Plain,
			map[string]string{"203.0.113.9": "again", "198.51.100.7": "SBL1", "2001:db8::1": "v6", "192.0.2.2": "", "192.0.2.4": "-", "10.0.0.1": "many columns", "8.8.8.8": ""}, [4]int{7, 0, 0, 1}, `line 8 cannot be used: "nonsense"`},
		{"everything", "0.0.0.0/0\n203.0.113.9\n", Options{}, Plain, map[string]string{"203.0.113.9": "", "8.8.8.8": "-"}, [4]int{1, 0, 0, 1}, "names every address"},
		{"csv with header", "first_seen,dst_ip,malware\n2026-01-01,203.0.113.9,Emotet\n2026-01-01,203.0.113.9/33,x\n", Options{}, CSV, map[string]string{"203.0.113.9": "Emotet"}, [4]int{1, 0, 0, 1}, "line 3"},
		{"csv with a header in a comment", "# a feed\n#\"first_seen\",\"dst_ip\",\"dst_port\",\"malware\"\n\"2026-01-01\",\"203.0.113.9\",\"443\",\"Dridex\"\n", Options{}, CSV, map[string]string{"203.0.113.9": "Dridex"}, [4]int{1, 0, 0, 0}, ""},
		{"csv without header", "1,203.0.113.9,bad one\n2,nothing,x\n", Options{}, CSV, map[string]string{"203.0.113.9": "bad one"}, [4]int{1, 0, 0, 1}, "no address in it"},
		{"named columns", "a,ip,b,why\n203.0.113.9,198.51.100.1,x,because\n", Options{Column: "a", Reason: "why"}, CSV, map[string]string{"203.0.113.9": "because", "198.51.100.1": "-"}, [4]int{1, 0, 0, 0}, ""},
		{"a lookup", "src\n203.0.113.9\n198.51.100.1\n", Options{}, CSV, map[string]string{"203.0.113.9": ""}, [4]int{2, 0, 0, 0}, ""},
		{"with ports", "ioc_value,threat\n203.0.113.9:4443,bot\n", Options{}, CSV, map[string]string{"203.0.113.9": "bot"}, [4]int{1, 0, 0, 0}, ""},
		{"stix", bundle, Options{Now: now}, STIX,
			map[string]string{"203.0.113.9": "C2 of Example", "198.51.100.2": "two of them", "2001:db8::1": "two of them", "192.0.2.77": "malicious-activity", "203.0.113.10": "-", "203.0.113.11": "-", "203.0.113.12": "-"},
			[4]int{5, 2, 2, 2}, "asks for more than an address"},
		{"misp", event, Options{}, MISP,
			map[string]string{"203.0.113.9": "Campaign X: scanner", "198.51.100.9": "Campaign X", "192.0.2.1": "-", "192.0.2.2": "Campaign X", "192.0.2.3": "Campaign X"}, [4]int{4, 0, 2, 1}, "attribute 6"},
		{"one misp event", `{"Event":{"info":"E","Attribute":[{"type":"ip-src","value":"203.0.113.9"}]}}`, Options{}, MISP, map[string]string{"203.0.113.9": "E"}, [4]int{1, 0, 0, 0}, ""},
	} {
		l, err := Parse([]byte(tt.text), tt.o)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := [4]int{l.Entries, l.Expired, l.Others, l.Faults.Lines}; l.Format != tt.format || got != tt.counts {
			t.Errorf("%s: %s %v, want %s %v (%v)", tt.name, l.Format, got, tt.format, tt.counts, l.Faults.Err())
		}
		if err := l.Faults.Err(); tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault)) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.fault)
		}
		for address, want := range tt.has {
			reason, ok := l.Lookup(netip.MustParseAddr(address))
			if ok != (want != "-") || ok && reason != want {
				t.Errorf("%s: %s: %q %v, want %q", tt.name, address, reason, ok, want)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "no addresses",
		"# only a comment\n":         "no addresses",
		"<html>not found</html>":     "line 1 cannot be used",
		`{"type":"bundle"}`:          `no "objects"`,
		`{"some":"json"}`:            `neither "Event"`,
		`{"broken`:                   "not a MISP event",
		"ip,reason\n":                "no addresses",
		"a,b\nc,d\n":                 "no address in it",
		strings.Repeat("[", 100_000): "not a MISP event",
	} {
		l, err := Parse([]byte(text), Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v, want %q (%+v)", text, err, want, l)
		}
		if Empty(err) != strings.Contains(want, "no addresses") {
			t.Errorf("%.30q: empty: %v", text, Empty(err))
		}
	}
	if _, err := Parse([]byte("ip\n1.1.1.1\n"), Options{Format: CSV, Column: "nope"}); err == nil || !strings.Contains(err.Error(), `no column "nope"`) {
		t.Error(err)
	}
}

// FuzzParse: whatever a list says, reading it ends.
func FuzzParse(f *testing.F) {
	for _, s := range []string{bundle, event, "203.0.113.9 # x\n", "ip,reason\n1.1.1.1,x\n", "1.1.1.1-1.1.1.9\n", "::-ffff::\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range append(Formats, Auto) {
			l, err := Parse(data, Options{Format: format})
			if err == nil && l.Entries == 0 {
				t.Error("a list without entries is fine")
			}
		}
	})
}
