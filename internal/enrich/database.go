package enrich

import (
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
)

// database is one open .mmdb file.
type database struct {
	reader *maxminddb.Reader
	// places caches decoded records by their offset in the file: many networks
	// share a record, and decoding takes longer than finding. A cell holds the
	// last record used of those that map to it.
	places [rememberedPlaces]atomic.Pointer[place]
	damage atomic.Pointer[error] // the first record that could not be read
}

// place is a decoded record. It is immutable once cached.
type place struct {
	offset uintptr
	loc    Location // empty for an unreadable record
}

// rememberedPlaces limits the cached records of a database: 64 KB of pointers,
// and some 2 MB when all are in use. The shipped database's records lie within
// this many bytes, so that no two of them share a cell. It must be a power of
// two.
const rememberedPlaces = 1 << 13

// openDatabase opens an .mmdb file, which is mapped into memory, not read.
func openDatabase(path string) (*database, error) {
	r, err := maxminddb.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open location database %q: %w; give an uncompressed .mmdb file from MaxMind, DB-IP or ip-location-db, or %q for the embedded one", path, err, Shipped)
	}
	d := &database{reader: r}
	if !d.knowsPlaces() {
		err := fmt.Errorf("cannot use location database %q: its type is %q, and its first records have no country, city or AS number; give a City, Country or ASN database", path, r.Metadata.DatabaseType)
		return nil, errors.Join(err, r.Close())
	}
	return d, nil
}

// knowsPlaces reports whether any of the first records contains a location.
// Only the records reveal the layout: makers choose the type names freely.
func (d *database) knowsPlaces() bool {
	const enough = 1000
	n := 0
	for res := range d.reader.Networks() {
		var rec record
		if res.Decode(&rec) == nil && rec.location() != (Location{}) {
			return true
		}
		if n++; n == enough {
			break
		}
	}
	return false
}

// lookup returns what the database knows about an address. It returns nil for
// nothing, and for records that contain only other data, such as where the
// address is registered.
func (d *database) lookup(addr netip.Addr) *Location {
	res := d.reader.Lookup(addr)
	if !res.Found() {
		return nil
	}
	offset := res.Offset()
	cell := &d.places[offset%rememberedPlaces]
	p := cell.Load()
	if p == nil || p.offset != offset {
		p = d.read(res)
		cell.Store(p)
	}
	if p.loc == (Location{}) {
		return nil
	}
	return &p.loc
}

func (d *database) read(res maxminddb.Result) *place {
	p := &place{offset: res.Offset()}
	var rec record
	if err := res.Decode(&rec); err != nil {
		err = fmt.Errorf("cannot read the record of network %s: %w", res.Prefix(), err)
		d.damage.CompareAndSwap(nil, &err)
		return p
	}
	p.loc = rec.location()
	return p
}

// DatabaseInfo describes one database, for people.
type DatabaseInfo struct {
	Path      string    // Shipped for the one inside the program
	Type      string    // the maker's name, such as "GeoLite2-City"
	Built     time.Time // UTC
	Languages []string  // of its names; none in databases with only codes or English
	// Err is why the database cannot be used, or the error of the first record
	// that a lookup could not read and treated as unknown.
	Err error
}

func (d *database) info(path string) DatabaseInfo {
	m := d.reader.Metadata
	info := DatabaseInfo{Path: path, Type: m.DatabaseType, Built: m.BuildTime().UTC(), Languages: m.Languages}
	if err := d.damage.Load(); err != nil {
		info.Err = *err
	}
	return info
}
