// Package enrich adds to events what they do not contain themselves: the
// location of an address.
package enrich

import (
	"errors"
	"net/netip"
	"strings"
)

// Location is the location of an address as far as the databases know it;
// unknown parts are empty. Names are English.
type Location struct {
	Country     string // as MaxMind's databases have it: "United States"
	CountryCode string // ISO 3166-1 alpha-2: "US"
	Region      string // the largest subdivision: "Virginia", "England"
	City        string
	Continent   string // "North America"
	MetroCode   string // of the United States' television markets: "807"
	Timezone    string // of the tz database: "America/New_York"
	Lat, Lon    string // degrees with five decimals, both or neither
	ASN         string // decimal, without "AS"
	Org         string // the AS number's registered holder
}

// Geo looks up addresses in one or more databases. It is safe for concurrent
// use, except for Close.
type Geo struct {
	sources []source
}

// source is a database that is open, or opened by the first lookup.
type source struct {
	path string
	open func() (*database, error)
}

// OpenGeo opens the databases (.mmdb) at the paths. The path Shipped stands for
// the embedded country database, which is also the default if there are no
// paths. Earlier databases take precedence, and later ones fill in what those
// do not know. An error names the path that cannot be used.
//
// The files stay memory-mapped until Close: replace one by renaming another
// over it, not by writing to it.
func OpenGeo(paths []string) (*Geo, error) {
	if len(paths) == 0 {
		paths = []string{Shipped}
	}
	g := &Geo{}
	for _, path := range paths {
		if path == Shipped {
			g.sources = append(g.sources, source{path, openShipped})
			continue
		}
		d, err := openDatabase(path)
		if err != nil {
			return nil, errors.Join(err, g.Close())
		}
		g.sources = append(g.sources, source{path, func() (*database, error) { return d, nil }})
	}
	return g, nil
}

// Close frees the databases. No lookup may be running, or start afterwards.
func (g *Geo) Close() error {
	var errs []error
	for _, s := range g.sources {
		if s.path == Shipped {
			continue // shared by the whole process
		}
		if d, err := s.open(); err == nil {
			errs = append(errs, d.reader.Close())
		}
	}
	g.sources = nil
	return errors.Join(errs...)
}

// Lookup returns where an address is. ok is false for addresses that no
// database knows, such as private ones, and for what is no address: a service's
// name, an octet with a leading zero, an address with a port or a prefix
// length. White space around it is no part of an address, an IPv6 zone says
// nothing of where it is, and an IPv4 address written as IPv6 (::ffff:…) is
// looked up as IPv4.
func (g *Geo) Lookup(ip string) (loc Location, ok bool) {
	addr, err := netip.ParseAddr(strings.TrimSpace(ip))
	if err != nil {
		return Location{}, false
	}
	return g.find(addr.WithZone("").Unmap())
}

// find returns where an address is.
func (g *Geo) find(addr netip.Addr) (loc Location, ok bool) {
	for _, s := range g.sources {
		d, err := s.open()
		if err != nil {
			continue // Databases reports it
		}
		if known := d.lookup(addr); known == nil {
			continue
		} else if !ok {
			loc, ok = *known, true
		} else {
			loc.fill(known)
		}
	}
	return loc, ok
}

// fill copies from other what loc lacks. If other places the address in another
// country, only its network is used: its city would make up a place that does
// not exist.
func (l *Location) fill(other *Location) {
	set := func(dst *string, src string) {
		if *dst == "" {
			*dst = src
		}
	}
	set(&l.ASN, other.ASN)
	set(&l.Org, other.Org)
	if l.CountryCode != "" && other.CountryCode != "" && !strings.EqualFold(l.CountryCode, other.CountryCode) {
		return
	}
	set(&l.Country, other.Country)
	set(&l.CountryCode, other.CountryCode)
	set(&l.Region, other.Region)
	set(&l.City, other.City)
	set(&l.Continent, other.Continent)
	set(&l.MetroCode, other.MetroCode)
	set(&l.Timezone, other.Timezone)
	set(&l.Lat, other.Lat)
	set(&l.Lon, other.Lon)
}

// Databases describes the databases in order of precedence. It opens the
// shipped one if it is among them.
func (g *Geo) Databases() []DatabaseInfo {
	list := make([]DatabaseInfo, 0, len(g.sources))
	for _, s := range g.sources {
		d, err := s.open()
		if err != nil {
			list = append(list, DatabaseInfo{Path: s.path, Err: err})
			continue
		}
		list = append(list, d.info(s.path))
	}
	return list
}
