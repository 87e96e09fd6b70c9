package enrich

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/oschwald/maxminddb-golang/v2"
)

func TestBrokenDatabase(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := writeDatabase(t, mmdbwriter.Options{DatabaseType: "City"}, map[string]mmdbtype.DataType{network: cityRecord()})
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ path, says string }{
		"missing":     {filepath.Join(dir, "nosuch.mmdb"), "no such file"},
		"a directory": {dir, "give an uncompressed .mmdb file"},
		"empty":       {write("empty.mmdb", nil), "give an uncompressed .mmdb file"},
		"other text":  {write("text.mmdb", []byte("start_ip,end_ip,country")), "give an uncompressed .mmdb file"},
		"still zstd":  {write("packed.mmdb.zst", packed), "give an uncompressed .mmdb file"},
		"cut short":   {write("cut.mmdb", whole[:len(whole)/2]), "give an uncompressed .mmdb file"},
		"no places": {writeDatabase(t, mmdbwriter.Options{DatabaseType: "GeoIP2-Connection-Type"},
			map[string]mmdbtype.DataType{network: object{"connection_type": text("Cable/DSL")}}), `"GeoIP2-Connection-Type"`},
		"nothing at all": {writeDatabase(t, mmdbwriter.Options{DatabaseType: "Empty-City"}, nil), `"Empty-City"`},
	} {
		g, err := OpenGeo([]string{good, test.path})
		if err == nil || !strings.Contains(err.Error(), test.path) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
		if g != nil {
			t.Errorf("%s: opened all the same", name)
		}
	}
}

// TestDamagedRecord: an unreadable record counts as unknown, is reported, and
// affects nothing else.
func TestDamagedRecord(t *testing.T) {
	long := text(strings.Repeat("x", maxText+1))
	for name, bad := range map[string]object{
		"wrong kind":  {"country_code": mmdbtype.Uint32(49)},
		"no list":     {"subdivisions": text("Virginia")},
		"no map":      {"location": list{}},
		"no degrees":  {"latitude": text("39.0")},
		"no number":   {"autonomous_system_number": text("AS14618")},
		"endless":     {"city": long},
		"deep within": {"city": object{"names": object{"en": object{}}}},
	} {
		g := open(t, writeDatabase(t, mmdbwriter.Options{DatabaseType: "City"}, map[string]mmdbtype.DataType{network: bad, "203.0.113.0/24": cityRecord()}))
		for range 2 {
			if got, ok := g.Lookup("18.232.1.2"); ok {
				t.Errorf("%s: %+v", name, got)
			}
		}
		if _, ok := g.Lookup("203.0.113.5"); !ok {
			t.Errorf("%s: the good record is gone", name)
		}
		if err := g.Databases()[0].Err; err == nil || !strings.Contains(err.Error(), network) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzDatabase: whatever the bytes, look-ups end and do not panic.
func FuzzDatabase(f *testing.F) {
	for _, r := range []object{cityRecord(), asnRecord(), {"country_code": text("US"), "latitude": mmdbtype.Float32(1)}} {
		data, err := os.ReadFile(writeDatabase(f, mmdbwriter.Options{DatabaseType: "City", IPVersion: 4}, map[string]mmdbtype.DataType{network: r}))
		if err != nil {
			f.Fatal(err)
		}
		for _, ip := range []string{"18.232.1.2", "2001:db8::1"} {
			f.Add(data, ip)
		}
		// The same with a byte of the record changed.
		for i := range 8 {
			bad := append([]byte(nil), data...)
			bad[len(bad)/4+i] ^= 0xff
			f.Add(bad, "18.232.1.2")
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, ip string) {
		r, err := maxminddb.OpenBytes(data)
		if err != nil {
			return
		}
		d := &database{reader: r}
		g := &Geo{sources: []source{{"fuzzed", func() (*database, error) { return d, nil }}}}
		loc, ok := g.Lookup(ip)
		if ok != (loc != Location{}) {
			t.Errorf("%v: %+v", ok, loc)
		}
		if again, okAgain := g.Lookup(ip); again != loc || okAgain != ok {
			t.Errorf("%+v, then %+v", loc, again)
		}
	})
}
