package enrich

import (
	"fmt"
	"math"
	"strconv"

	"github.com/oschwald/maxminddb-golang/v2/mmdbdata"
)

// record is a Location being decoded from a database. One decoder reads all
// layouts, since their keys do not conflict: MaxMind's, which nests maps with
// names by language and which DB-IP shares, and the flat one of ip-location-db.
// It skips unknown keys.
type record Location

var _ mmdbdata.CursorUnmarshaler = (*record)(nil)

// maxText limits one text of a record, in bytes.
const maxText = 1024

// UnmarshalMaxMindDBCursor implements mmdbdata.CursorUnmarshaler.
func (r *record) UnmarshalMaxMindDBCursor(c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	return eachMember(c, func(key []byte, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
		switch string(key) {
		case "country":
			return readPlace(v, &r.Country, &r.CountryCode)
		case "continent":
			return readPlace(v, &r.Continent, nil)
		case "city":
			return readPlace(v, &r.City, nil)
		case "subdivisions":
			return readFirst(v, &r.Region)
		case "location":
			return r.readLocation(v)
		case "country_code":
			return readText(v, &r.CountryCode)
		case "state1":
			return readText(v, &r.Region)
		case "timezone":
			return readText(v, &r.Timezone)
		case "latitude":
			return readDegrees(v, 90, &r.Lat)
		case "longitude":
			return readDegrees(v, 180, &r.Lon)
		case "autonomous_system_number":
			return readNumber(v, &r.ASN)
		case "autonomous_system_organization":
			return readText(v, &r.Org)
		}
		return v.Skip()
	})
}

func (r *record) readLocation(c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	return eachMember(c, func(key []byte, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
		switch string(key) {
		case "latitude":
			return readDegrees(v, 90, &r.Lat)
		case "longitude":
			return readDegrees(v, 180, &r.Lon)
		case "metro_code":
			return readNumber(v, &r.MetroCode)
		case "time_zone":
			return readText(v, &r.Timezone)
		}
		return v.Skip()
	})
}

// location adds what follows from the country code.
func (r *record) location() Location {
	known := countryOf(r.CountryCode)
	if r.Country == "" {
		r.Country = known.name
	}
	if r.Continent == "" {
		r.Continent = known.continent
	}
	// Flat layouts have no other way to express unknown.
	if r.Lat == nowhere && r.Lon == nowhere || r.Lat == "" || r.Lon == "" {
		r.Lat, r.Lon = "", ""
	}
	return Location(*r)
}

// readPlace reads a place's English name and, unless code is nil, its ISO code:
// from a map in nested layouts, from plain text in flat ones.
func readPlace(c mmdbdata.Cursor, name, code *string) (mmdbdata.Cursor, error) {
	kind, err := c.Kind()
	if err != nil {
		return c, err
	}
	if kind == mmdbdata.KindString {
		return readText(c, name)
	}
	return eachMember(c, func(key []byte, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
		switch {
		case string(key) == "iso_code" && code != nil:
			return readText(v, code)
		case string(key) == "names":
			return eachMember(v, func(language []byte, v mmdbdata.Cursor) (mmdbdata.Cursor, error) {
				if string(language) == "en" {
					return readText(v, name)
				}
				return v.Skip()
			})
		}
		return v.Skip()
	})
}

// readFirst reads the name of the first place in a list, which for subdivisions
// is the largest.
func readFirst(c mmdbdata.Cursor, name *string) (mmdbdata.Cursor, error) {
	list, err := c.Slice()
	if err != nil {
		return c, err
	}
	next := mmdbdata.Cursor{}
	for {
		i, v, ok := list.Next(next)
		if !ok {
			return list.End()
		}
		if i == 0 {
			next, err = readPlace(v, name, nil)
		} else {
			next, err = v.Skip()
		}
		if err != nil {
			return next, err
		}
	}
}

// eachMember calls read with every member of a map; read returns the cursor
// after the value.
func eachMember(c mmdbdata.Cursor, read func(key []byte, v mmdbdata.Cursor) (mmdbdata.Cursor, error)) (mmdbdata.Cursor, error) {
	members, err := c.Map()
	if err != nil {
		return c, err
	}
	next := mmdbdata.Cursor{}
	for {
		key, v, ok := members.Next(next)
		if !ok {
			return members.End()
		}
		if next, err = read(key, v); err != nil {
			return next, fmt.Errorf("%q: %w", key, err)
		}
	}
}

func readText(c mmdbdata.Cursor, dst *string) (mmdbdata.Cursor, error) {
	s, next, err := c.ReadStringMaxSize(maxText)
	*dst = s
	return next, err
}

func readNumber(c mmdbdata.Cursor, dst *string) (mmdbdata.Cursor, error) {
	n, next, err := c.ReadUint()
	if err == nil && n != 0 {
		*dst = strconv.FormatUint(n, 10)
	}
	return next, err
}

// nowhere is 0 degrees; at 0, 0 there is only sea.
const nowhere = "0.00000"

// readDegrees formats degrees with the five decimals that Splunk shows. Values
// beyond ±limit are not valid coordinates.
func readDegrees(c mmdbdata.Cursor, limit float64, dst *string) (mmdbdata.Cursor, error) {
	f, next, err := c.ReadFloat()
	if err == nil && math.Abs(f) <= limit {
		*dst = strconv.FormatFloat(f, 'f', 5, 64)
	}
	return next, err
}
