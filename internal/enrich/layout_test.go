package enrich

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

type (
	object = mmdbtype.Map
	list   = mmdbtype.Slice
	text   = mmdbtype.String
)

// names is a place as nested layouts write it.
func names(english string, more object) object {
	o := object{"names": object{"de": "x" + text(english), "en": text(english)}, "geoname_id": mmdbtype.Uint32(7)}
	for k, v := range more {
		o[k] = v
	}
	return o
}

// cityRecord is a record in the layout of GeoLite2-City.
func cityRecord() object {
	return object{
		"continent":    names("North America", object{"code": text("NA")}),
		"country":      names("United States", object{"iso_code": text("US")}),
		"city":         names("Ashburn", nil),
		"subdivisions": list{names("Virginia", object{"iso_code": text("VA")}), names("Loudoun", nil)},
		"location": object{
			"accuracy_radius": mmdbtype.Uint16(20), "latitude": mmdbtype.Float64(39.0469), "longitude": mmdbtype.Float64(-77.4903),
			"metro_code": mmdbtype.Uint16(511), "time_zone": text("America/New_York"),
		},
		"postal":             object{"code": text("20149")},
		"registered_country": names("Canada", object{"iso_code": text("CA")}),
	}
}

var ashburn = Location{
	Country: "United States", CountryCode: "US", Region: "Virginia", City: "Ashburn", Continent: "North America", MetroCode: "511",
	Timezone: "America/New_York", Lat: "39.04690", Lon: "-77.49030",
}

// asnRecord is a record in the layout of GeoLite2-ASN, DB-IP's and
// ip-location-db's AS numbers.
func asnRecord() object {
	return object{"autonomous_system_number": mmdbtype.Uint32(14618), "autonomous_system_organization": text("AMAZON-AES")}
}

// writeDatabase writes an .mmdb file of records by network, and returns its
// path.
func writeDatabase(t testing.TB, opts mmdbwriter.Options, records map[string]mmdbtype.DataType) string {
	t.Helper()
	opts.IncludeReservedNetworks = true
	opts.BuildEpoch = 1_780_000_000
	tree, err := mmdbwriter.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	for network, record := range records {
		_, ipnet, err := net.ParseCIDR(network)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(ipnet, record); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), opts.DatabaseType+".mmdb")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// open opens databases for the length of a test.
func open(t testing.TB, paths ...string) *Geo {
	t.Helper()
	g, err := OpenGeo(paths)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// network is a public network that tests fill.
const network = "18.232.0.0/14"

func TestLayouts(t *testing.T) {
	without := func(o object, keys ...text) object {
		for _, k := range keys {
			delete(o, k)
		}
		return o
	}
	flat := object{
		"city": text("Bracknell"), "country_code": text("GB"), "latitude": mmdbtype.Float32(51.5), "longitude": mmdbtype.Float32(-0.75),
		"postcode": text("RG12"), "state1": text("England"), "state2": text("Bracknell Forest"), "timezone": text("Europe/London"),
	}
	bracknell := Location{
		Country: "United Kingdom", CountryCode: "GB", Region: "England", City: "Bracknell", Continent: "Europe",
		Timezone: "Europe/London", Lat: "51.50000", Lon: "-0.75000",
	}
	for name, test := range map[string]struct {
		record object
		want   Location // empty = not known
	}{
		"MaxMind City":      {cityRecord(), ashburn},
		"MaxMind ASN":       {asnRecord(), Location{ASN: "14618", Org: "AMAZON-AES"}},
		"MaxMind Country":   {without(cityRecord(), "city", "subdivisions", "location"), Location{Country: "United States", CountryCode: "US", Continent: "North America"}},
		"registered only":   {without(cityRecord(), "city", "subdivisions", "location", "country", "continent"), Location{}},
		"DB-IP City":        {object{"country": names("Czechia", object{"iso_code": text("CZ"), "is_in_european_union": mmdbtype.Bool(true)}), "subdivisions": list{names("Prague", nil)}}, Location{Country: "Czechia", CountryCode: "CZ", Region: "Prague", Continent: "Europe"}},
		"own country name":  {object{"country": names("Holland", object{"iso_code": text("NL")})}, Location{Country: "Holland", CountryCode: "NL", Continent: "Europe"}},
		"no English names":  {object{"country": object{"iso_code": text("DE"), "names": object{"de": text("Deutschland")}}}, Location{Country: "Germany", CountryCode: "DE", Continent: "Europe"}},
		"no subdivisions":   {object{"country_code": text("NZ"), "subdivisions": list{}}, Location{Country: "New Zealand", CountryCode: "NZ", Continent: "Oceania"}},
		"flat city":         {flat, bracknell},
		"flat country":      {object{"country_code": text("KR")}, Location{Country: "South Korea", CountryCode: "KR", Continent: "Asia"}},
		"flat region code":  {object{"country_code": text("AP")}, Location{CountryCode: "AP"}},
		"flat country name": {object{"country": text("Narnia"), "country_code": text("NN")}, Location{Country: "Narnia", CountryCode: "NN"}},
		"flat, all unknown": {object{"country_code": text(""), "city": text(""), "latitude": mmdbtype.Float32(0), "longitude": mmdbtype.Float32(0)}, Location{}},
		"no coordinates":    {object{"country_code": text("FR"), "latitude": mmdbtype.Float32(0), "longitude": mmdbtype.Float32(0)}, Location{Country: "France", CountryCode: "FR", Continent: "Europe"}},
		"half coordinates":  {object{"country_code": text("FR"), "latitude": mmdbtype.Float32(48)}, Location{Country: "France", CountryCode: "FR", Continent: "Europe"}},
		"off the earth":     {object{"country_code": text("FR"), "latitude": mmdbtype.Float64(91), "longitude": mmdbtype.Float64(3)}, Location{Country: "France", CountryCode: "FR", Continent: "Europe"}},
		"on the equator":    {object{"country_code": text("GA"), "latitude": mmdbtype.Float64(0), "longitude": mmdbtype.Float64(11.5)}, Location{Country: "Gabon", CountryCode: "GA", Continent: "Africa", Lat: "0.00000", Lon: "11.50000"}},
	} {
		t.Run(name, func(t *testing.T) {
			// The second network keeps the database usable when the first tells nothing.
			g := open(t, writeDatabase(t, mmdbwriter.Options{DatabaseType: "test"}, map[string]mmdbtype.DataType{network: test.record, "203.0.113.0/24": flat}))
			got, ok := g.Lookup("18.232.1.2")
			if diff := cmp.Diff(test.want, got); diff != "" || ok != (test.want != Location{}) {
				t.Errorf("ok = %v, (-want +got)\n%s", ok, diff)
			}
			if _, ok := g.Lookup("198.51.100.1"); ok {
				t.Error("an address outside all networks is known")
			}
		})
	}
}

func TestRecordSizes(t *testing.T) {
	for _, size := range []int{24, 28, 32} {
		for _, version := range []int{4, 6} {
			g := open(t, writeDatabase(t, mmdbwriter.Options{DatabaseType: "City", RecordSize: size, IPVersion: version}, map[string]mmdbtype.DataType{network: cityRecord()}))
			if got, ok := g.Lookup("18.232.1.2"); !ok || got != ashburn {
				t.Errorf("record size %d, IPv%d: %+v, %v", size, version, got, ok)
			}
			if got, ok := g.Lookup("2001:db8::1"); ok {
				t.Errorf("record size %d, IPv%d: an IPv6 address is at %+v", size, version, got)
			}
		}
	}
}

// TestSeveralDatabases: the first one takes precedence, later ones fill in.
func TestSeveralDatabases(t *testing.T) {
	write := func(typ string, r object) string {
		return writeDatabase(t, mmdbwriter.Options{DatabaseType: typ}, map[string]mmdbtype.DataType{network: r})
	}
	city, asn := write("city", cityRecord()), write("asn", asnRecord())
	both := ashburn
	both.ASN, both.Org = "14618", "AMAZON-AES"
	country := write("country", object{"country_code": text("US")})
	elsewhere := write("elsewhere", object{"country_code": text("IE"), "city": text("Dublin"), "autonomous_system_number": mmdbtype.Uint32(1)})
	onlyElsewhere := Location{Country: "Ireland", CountryCode: "IE", City: "Dublin", Continent: "Europe", ASN: "1"}

	for name, test := range map[string]struct {
		paths []string
		want  Location
	}{
		"city, asn":          {[]string{city, asn}, both},
		"asn, city":          {[]string{asn, city}, both},
		"country, city":      {[]string{country, city}, ashburn},
		"elsewhere, city":    {[]string{elsewhere, city}, onlyElsewhere},
		"country, elsewhere": {[]string{country, elsewhere}, Location{Country: "United States", CountryCode: "US", Continent: "North America", ASN: "1"}},
		"shipped, asn":       {[]string{Shipped, asn}, Location{Country: "United States", CountryCode: "US", Continent: "North America", ASN: "14618", Org: "AMAZON-AES"}},
	} {
		got, ok := open(t, test.paths...).Lookup("18.232.1.2")
		if diff := cmp.Diff(test.want, got); !ok || diff != "" {
			t.Errorf("%s: ok = %v, (-want +got)\n%s", name, ok, diff)
		}
	}
}

// TestOwnNetworks: a custom database may locate private addresses.
func TestOwnNetworks(t *testing.T) {
	g := open(t, writeDatabase(t, mmdbwriter.Options{DatabaseType: "Offices"}, map[string]mmdbtype.DataType{"10.1.0.0/16": object{"city": text("Head office")}}), Shipped)
	if got, ok := g.Lookup("10.1.2.3"); !ok || got.City != "Head office" {
		t.Errorf("%+v, %v", got, ok)
	}
	if got, ok := g.Lookup("10.2.0.1"); ok {
		t.Errorf("%+v", got)
	}
}

// TestManyRecords: records that share a cell are not confused.
func TestManyRecords(t *testing.T) {
	const n = 1000
	addr := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{18, 0, byte(i >> 8), byte(i)}) }
	city := func(i int) string { return addr(i).String() + strings.Repeat("x", 100+i%7) }
	records := map[string]mmdbtype.DataType{}
	for i := range n {
		records[netip.PrefixFrom(addr(i), 32).String()] = object{"city": text(city(i))}
	}
	g := open(t, writeDatabase(t, mmdbwriter.Options{DatabaseType: "City"}, records))
	d, err := g.sources[0].open()
	if err != nil {
		t.Fatal(err)
	}
	cells := map[uintptr]bool{}
	for range 2 {
		for i := range n {
			if got, ok := g.Lookup(addr(i).String()); !ok || got.City != city(i) {
				t.Fatalf("%s: %+v, %v", addr(i), got, ok)
			}
			cells[d.reader.Lookup(addr(i)).Offset()%rememberedPlaces] = true
		}
	}
	if len(cells) == n {
		t.Error("no two records fall to one cell, so that nothing was tested")
	}
}

func TestDatabases(t *testing.T) {
	path := writeDatabase(t, mmdbwriter.Options{DatabaseType: "GeoLite2-City", Languages: []string{"de", "en"}}, map[string]mmdbtype.DataType{network: cityRecord()})
	got := open(t, path, Shipped).Databases()
	if len(got) != 2 {
		t.Fatalf("%+v", got)
	}
	want := DatabaseInfo{Path: path, Type: "GeoLite2-City", Built: got[0].Built, Languages: []string{"de", "en"}}
	if diff := cmp.Diff(want, got[0]); diff != "" || got[0].Built.Unix() != 1_780_000_000 {
		t.Errorf("%s\n%s", got[0].Built, diff)
	}
	if got[1].Path != Shipped || got[1].Err != nil || got[1].Built.Year() < 2026 {
		t.Errorf("%+v", got[1])
	}
}
