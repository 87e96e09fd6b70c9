// Package enrich adds to events what they do not say themselves: where an
// address is.
package enrich

import (
	_ "embed"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/oschwald/maxminddb-golang/v2"
)

//go:generate go run geodata/refresh.go

//go:embed geodata/country.mmdb.zst
var shipped []byte

// Location is where an address is, as far as the databases know; what they do
// not know is empty.
type Location struct {
	Country     string // the English name, as MaxMind has it: "United States"
	CountryCode string // ISO 3166: "US"
	Region      string
	City        string
	Continent   string
	MetroCode   string
	Timezone    string
	Lat, Lon    string // degrees
	ASN, Org    string
}

// Geo looks addresses up in one or more databases. It is safe for concurrent
// use.
type Geo struct {
	dbs []*database
}

type database struct {
	path   string // "" = the shipped one
	once   sync.Once
	reader *maxminddb.Reader
	err    error
}

// OpenGeo opens the databases (.mmdb) at the paths; with none, the country
// database that is part of the program, which is unpacked (5 MB) by the first
// look-up. Later databases fill in what earlier ones do not know.
func OpenGeo(paths []string) (*Geo, error) {
	if len(paths) == 0 {
		return &Geo{[]*database{{}}}, nil
	}
	g := &Geo{}
	for _, p := range paths {
		r, err := maxminddb.Open(p)
		if err != nil {
			return nil, fmt.Errorf("cannot open location database %q: %w (MaxMind and DB-IP databases in .mmdb form are read; leave geoip empty for the one that comes with bluetrail)", p, err)
		}
		d := &database{path: p, reader: r}
		d.once.Do(func() {})
		g.dbs = append(g.dbs, d)
	}
	return g, nil
}

func (d *database) open() (*maxminddb.Reader, error) {
	d.once.Do(func() {
		var dec *zstd.Decoder
		if dec, d.err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1)); d.err != nil {
			return
		}
		defer dec.Close()
		var raw []byte
		if raw, d.err = dec.DecodeAll(shipped, nil); d.err == nil {
			d.reader, d.err = maxminddb.OpenBytes(raw)
		}
	})
	return d.reader, d.err
}

// Close frees the databases.
func (g *Geo) Close() error {
	for _, d := range g.dbs {
		if d.reader != nil {
			if err := d.reader.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Lookup returns where an address is. ok is false for what is no address (a
// service's name, an octet with a leading zero) and for addresses that no
// database knows, such as private ones.
func (g *Geo) Lookup(ip string) (loc Location, ok bool) {
	addr, err := netip.ParseAddr(strings.TrimSpace(ip))
	if err != nil {
		return loc, false
	}
	addr = addr.Unmap().WithZone("")
	for _, d := range g.dbs {
		r, err := d.open()
		if err != nil {
			continue
		}
		res := r.Lookup(addr)
		if !res.Found() {
			continue
		}
		var rec record
		if res.Decode(&rec) != nil {
			continue
		}
		rec.fill(&loc)
		ok = true
	}
	return loc, ok
}

// DatabaseInfo describes one database, for people.
type DatabaseInfo struct {
	Path  string // "shipped" for the one inside the program
	Type  string
	Built time.Time
	Err   error
}

// Databases describes the databases in the order in which they are asked.
func (g *Geo) Databases() []DatabaseInfo {
	var list []DatabaseInfo
	for _, d := range g.dbs {
		info := DatabaseInfo{Path: d.path}
		if d.path == "" {
			info.Path = "shipped"
		}
		r, err := d.open()
		if info.Err = err; err == nil {
			info.Type, info.Built = r.Metadata.DatabaseType, time.Unix(int64(r.Metadata.BuildEpoch), 0).UTC()
		}
		list = append(list, info)
	}
	return list
}

// record holds the fields of all the layouts that are read: MaxMind's nested
// one, which DB-IP shares, and the flat one of ip-location-db.
type record struct {
	Continent    named   `maxminddb:"continent"`
	Country      named   `maxminddb:"country"`
	Registered   named   `maxminddb:"registered_country"`
	City         named   `maxminddb:"city"`
	Subdivisions []named `maxminddb:"subdivisions"`
	Location     struct {
		Latitude  *float64 `maxminddb:"latitude"`
		Longitude *float64 `maxminddb:"longitude"`
		MetroCode uint64   `maxminddb:"metro_code"`
		TimeZone  string   `maxminddb:"time_zone"`
	} `maxminddb:"location"`
	ASN uint64 `maxminddb:"autonomous_system_number"`
	Org string `maxminddb:"autonomous_system_organization"`

	CountryCode string   `maxminddb:"country_code"`
	State       string   `maxminddb:"state1"`
	Timezone    string   `maxminddb:"timezone"`
	Latitude    *float64 `maxminddb:"latitude"`
	Longitude   *float64 `maxminddb:"longitude"`
}

// fill sets what loc does not know yet.
func (r *record) fill(loc *Location) {
	set := func(dst *string, vals ...string) {
		for _, v := range vals {
			if *dst == "" {
				*dst = v
			}
		}
	}
	degrees := func(vals ...*float64) string {
		for _, v := range vals {
			if v != nil {
				return strconv.FormatFloat(*v, 'f', 5, 64)
			}
		}
		return ""
	}
	set(&loc.CountryCode, r.Country.Code, r.CountryCode, r.Registered.Code)
	set(&loc.Country, r.Country.name(), countryName(r.CountryCode), r.Registered.name(), countryName(loc.CountryCode))
	set(&loc.City, r.City.name())
	if len(r.Subdivisions) > 0 {
		set(&loc.Region, r.Subdivisions[0].name())
	}
	set(&loc.Region, r.State)
	set(&loc.Continent, r.Continent.name(), continentName(loc.CountryCode))
	set(&loc.Timezone, r.Location.TimeZone, r.Timezone)
	set(&loc.Lat, degrees(r.Location.Latitude, r.Latitude))
	set(&loc.Lon, degrees(r.Location.Longitude, r.Longitude))
	if r.Location.MetroCode != 0 {
		set(&loc.MetroCode, strconv.FormatUint(r.Location.MetroCode, 10))
	}
	if r.ASN != 0 {
		set(&loc.ASN, strconv.FormatUint(r.ASN, 10))
	}
	set(&loc.Org, r.Org)
}
