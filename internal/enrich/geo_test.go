package enrich

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShippedDatabase(t *testing.T) {
	g, err := OpenGeo(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for ip, want := range map[string]string{
		"8.8.8.8": "United States", "2001:4860:4860::8888": "United States", "::ffff:8.8.8.8": "United States", " 8.8.8.8 ": "United States",
		"168.126.63.1": "South Korea", "193.0.6.139": "The Netherlands",
		"10.1.2.3": "", "192.168.0.1": "", "ec2.amazonaws.com": "", "AWS Internal": "", "": "", "08.8.8.8": "", "8.8.8": "",
	} {
		loc, ok := g.Lookup(ip)
		if ok != (want != "") || loc.Country != want {
			t.Errorf("%q: %q, %v; want %q", ip, loc.Country, ok, want)
		}
	}
	loc, _ := g.Lookup("8.8.8.8")
	if diff := cmp.Diff(Location{Country: "United States", CountryCode: "US", Continent: "North America"}, loc); diff != "" {
		t.Error(diff)
	}
	info := g.Databases()
	if len(info) != 1 || info[0].Path != "shipped" || info[0].Err != nil || info[0].Built.Year() < 2026 {
		t.Errorf("%+v", info)
	}
}

// TestSourceIsNamed: what is shipped says where it is from and under which
// licence.
func TestSourceIsNamed(t *testing.T) {
	text, err := os.ReadFile("geodata/SOURCE")
	if err != nil || !strings.Contains(string(text), "PDDL") || !strings.Contains(string(text), "sha256") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestBrokenDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.mmdb")
	if err := os.WriteFile(path, []byte("not a database"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, "nosuch.mmdb"} {
		if _, err := OpenGeo([]string{p}); err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("%s: %v", p, err)
		}
	}
}

func TestCountryNames(t *testing.T) {
	for code, want := range map[string]string{"US": "United States", "gb": "United Kingdom", "KR": "South Korea", "TR": "Türkiye", "CZ": "Czechia", "HK": "Hong Kong", "": "", "ZZZ": "", "1": ""} {
		if got := countryName(code); got != want {
			t.Errorf("%s = %q, want %q", code, got, want)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	g, err := OpenGeo(nil)
	if err != nil {
		b.Fatal(err)
	}
	g.Lookup("8.8.8.8")
	b.ReportAllocs()
	for b.Loop() {
		g.Lookup("77.88.8.8")
	}
}
