package enrich

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShippedDatabase(t *testing.T) {
	g := open(t)
	for ip, want := range map[string]string{
		"8.8.8.8": "United States", "2001:4860:4860::8888": "United States",
		"168.126.63.1": "South Korea", "193.0.6.139": "The Netherlands", "81.2.69.142": "United Kingdom",
		// other ways to write an address
		"::ffff:8.8.8.8": "United States", "::ffff:808:808": "United States", " 8.8.8.8\t": "United States", "2001:4860:4860::8888%eth0": "United States",
		// nowhere
		"10.1.2.3": "", "172.16.0.1": "", "192.168.0.1": "", "127.0.0.1": "", "169.254.169.254": "", "100.64.0.1": "", "0.0.0.0": "", "224.0.0.1": "",
		"255.255.255.255": "", "::1": "", "::": "", "fe80::1%eth0": "", "fd00::1": "", "::ffff:10.1.2.3": "",
		// no addresses
		"ec2.amazonaws.com": "", "AWS Internal": "", "": "", " ": "", "08.8.8.8": "", "8.8.8": "", "8.8.8.8.8": "", "8.8.8.256": "", "134744072": "",
		"8.8.8.8:443": "", "8.8.8.8/32": "", "[2001:4860:4860::8888]": "", "8.8.8.8, 8.8.4.4": "", "8. 8.8.8": "",
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
}

// TestShippedRecords goes through every network of the shipped database: each
// has a country with a name, all are on the public internet, and no two records
// contend for a cell.
func TestShippedRecords(t *testing.T) {
	d, err := openShipped()
	if err != nil {
		t.Fatal(err)
	}
	cells, n := map[uintptr]uintptr{}, 0
	for res := range d.reader.Networks() {
		n++
		if a := res.Prefix().Addr().Unmap(); !a.IsGlobalUnicast() || a.IsPrivate() {
			t.Errorf("%s is not on the public internet", res.Prefix())
		}
		at := res.Offset()
		if other, met := cells[at%rememberedPlaces]; met {
			if other != at {
				t.Errorf("the records at %d and %d share a cell", other, at)
			}
			continue
		}
		cells[at%rememberedPlaces] = at
		var rec record
		if err := res.Decode(&rec); err != nil {
			t.Fatal(err)
		}
		// AP, somewhere in Asia or the Pacific, is how registries mark a few networks.
		if loc := rec.location(); loc.CountryCode != "AP" && (loc.Country == "" || loc.Continent == "") {
			t.Errorf("%s: %+v", res.Prefix(), loc)
		}
	}
	if n < 300_000 || len(cells) < 200 {
		t.Errorf("%d networks in %d countries are not the whole internet", n, len(cells))
	}
}

// TestSourceIsNamed: what is shipped is what SOURCE says, and its licence lies
// beside it.
func TestSourceIsNamed(t *testing.T) {
	raw, err := unpack(packed)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string][]string{
		"geodata/SOURCE":  {"iptoasn-country-mmdb", "PDDL-1.0", fmt.Sprintf("%x", sha256.Sum256(raw))},
		"geodata/LICENSE": {"Public Domain Dedication & License (PDDL)"},
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(string(text), w) {
				t.Errorf("%s does not say %q", file, w)
			}
		}
	}
}

// TestLazy: a command without lookups does not pay for unpacking.
func TestLazy(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		if _, err := OpenGeo(nil); err != nil {
			t.Fatal(err)
		}
	}); n > 10 {
		t.Errorf("opening the shipped database allocates %v times", n)
	}
}

func TestLookupAllocates(t *testing.T) {
	g := open(t)
	ips := addresses(1 << 12)
	for _, ip := range ips {
		g.Lookup(ip)
	}
	i := 0
	if n := testing.AllocsPerRun(len(ips), func() { g.Lookup(ips[i%len(ips)]); i++ }); n != 0 {
		t.Errorf("a look-up allocates %v times", n)
	}
}

// TestConcurrent is for the race detector.
func TestConcurrent(t *testing.T) {
	g := open(t)
	want, _ := g.Lookup("193.0.6.139")
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for _, ip := range addresses(1000 + w) {
				g.Lookup(ip)
				if got, ok := g.Lookup("193.0.6.139"); !ok || got != want {
					t.Errorf("%+v, %v", got, ok)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestCountryOf(t *testing.T) {
	for code, want := range map[string]country{
		"US": {"United States", northAmerica}, "gb": {"United Kingdom", europe}, "KR": {"South Korea", asia}, "TR": {"Türkiye", asia},
		"CZ": {"Czechia", europe}, "NL": {"The Netherlands", europe}, "BR": {"Brazil", southAmerica}, "XK": {"Kosovo", europe},
		"AQ": {"Antarctica", antarctica}, "EG": {"Egypt", africa}, "FJ": {"Fiji", oceania}, "AP": {}, "": {}, "ZZZ": {}, "1": {},
	} {
		if got := countryOf(code); got != want {
			t.Errorf("%s = %+v, want %+v", code, got, want)
		}
	}
	// 249 codes are assigned, and XK.
	if len(countries()) != 250 {
		t.Errorf("%d countries", len(countries()))
	}
}

// addresses returns n addresses at random, the same for every n.
func addresses(n int) []string {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	list := make([]string, n)
	for i := range list {
		u := rng.Uint32()
		list[i] = netip.AddrFrom4([4]byte{byte(u >> 24), byte(u >> 16), byte(u >> 8), byte(u)}).String()
	}
	return list
}

// BenchmarkLookup looks up random addresses, most of which no look-up has met.
func BenchmarkLookup(b *testing.B) {
	databases := map[string][]string{"shipped": nil}
	if path := os.Getenv("BLUETRAIL_GEOIP"); path != "" {
		databases["own"] = strings.Split(path, string(os.PathListSeparator))
	}
	for name, paths := range databases {
		b.Run(name, func(b *testing.B) {
			g := open(b, paths...)
			ips := addresses(1 << 20)
			g.Lookup(ips[0])
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				g.Lookup(ips[i%len(ips)])
				i++
			}
		})
	}
}

// BenchmarkUnpack measures the cost of the first lookup.
func BenchmarkUnpack(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := unpack(packed); err != nil {
			b.Fatal(err)
		}
	}
}
