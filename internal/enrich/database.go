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
	// places remembers decoded records by their offset in the file: many
	// networks share a record, and decoding takes longer than finding. A cell
	// holds the record that was met last of those that fall to it.
	places [rememberedPlaces]atomic.Pointer[place]
	damage atomic.Pointer[error] // the first record that could not be read
}

// place is a decoded record. It is not changed once it is remembered.
type place struct {
	offset uintptr
	loc    Location // empty for a record that cannot be read
}

// rememberedPlaces bounds the records that a database keeps decoded: 64 KB of
// pointers, and with all of them met some 2 MB. The shipped database's records
// lie within this many bytes, so that no two of them contend for a cell. A
// power of two.
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

// knowsPlaces says whether any of the first records tells where an address is.
// The layout is seen in the records alone: types are named as their makers like.
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

// lookup returns what the database knows of an address; nil for nothing, which
// is also what records say that hold other things only, such as where the
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
	Type      string    // by its maker's name, such as "GeoLite2-City"
	Built     time.Time // UTC
	Languages []string  // of its names; none in databases that hold only codes or English
	// Err is why the database cannot be used, or the first of its records that a
	// look-up could not read and took for unknown.
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
