package cmd

import (
	"context"
	"errors"

	"bluetrail/internal/enrich"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Iplocation adds the geographic location of IP addresses.
type Iplocation struct {
	Field     string
	Prefix    string
	AllFields bool
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "iplocation", Kind: syntax.KindStreaming,
		Summary: "Add the location of an IP address: City, Country, Region, lat, lon.",
		Syntax:  "iplocation [prefix=<text>] [allfields=<bool>] <field>",
		Doc: "An address that the database knows gets all of the fields, with unknown ones empty, so that a country-only database\n" +
			"does not empty a search that counts by City. Addresses that the database does not know, and values that are not\n" +
			"addresses (such as service names), get none of them. See docs/geoip.md for the databases.",
		Args: []syntax.Arg{
			{Name: "<field>", Doc: "The field with the address."},
			{Name: "prefix", Doc: "A prefix for the names of the new fields."},
			{Name: "allfields", Default: "false", Doc: "Also add Continent, MetroCode and Timezone."},
			{Name: "lang", Doc: "Accepted for compatibility; ignored. Names are in English."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval ip="8.8.8.8" | iplocation prefix=src_ ip | table ip src_Country src_City`,
			Want:   []string{`{"ip":"8.8.8.8","src_Country":"United States","src_City":""}`},
		}, {
			Doc:    "A value that is not an address gets no fields.",
			Search: `| makeresults | eval ip="ec2.amazonaws.com" | iplocation ip | table ip Country`,
			Want:   []string{`{"ip":"ec2.amazonaws.com"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Iplocation{}
			options := func() error {
				return p.Options([]string{"prefix", "allfields", "lang"}, func(o syntax.Option) (err error) {
					switch o.Name {
					case "prefix":
						c.Prefix = o.Value.Text
					case "allfields":
						c.AllFields, err = o.Bool()
					}
					return err
				})
			}
			if err := options(); err != nil {
				return nil, err
			}
			var err error
			if c.Field, err = p.Field(); err != nil {
				return nil, err
			}
			return c, options()
		},
	})
}

// Print implements syntax.Command.
func (c *Iplocation) Print() string {
	s := "iplocation "
	if c.Prefix != "" {
		s += "prefix=" + syntax.PrintOption(c.Prefix) + " "
	}
	if c.AllFields {
		s += "allfields=true "
	}
	return s + syntax.PrintField(c.Field)
}

// places are the fields that iplocation adds. The last three need allfields.
var places = []struct {
	name string
	get  func(l *enrich.Location) string
}{
	{"City", func(l *enrich.Location) string { return l.City }},
	{"Country", func(l *enrich.Location) string { return l.Country }},
	{"Region", func(l *enrich.Location) string { return l.Region }},
	{"lat", func(l *enrich.Location) string { return l.Lat }},
	{"lon", func(l *enrich.Location) string { return l.Lon }},
	{"Continent", func(l *enrich.Location) string { return l.Continent }},
	{"MetroCode", func(l *enrich.Location) string { return l.MetroCode }},
	{"Timezone", func(l *enrich.Location) string { return l.Timezone }},
}

// Needs implements syntax.Command.
func (c *Iplocation) Needs(out filter.FieldSet) filter.FieldSet { return out.Add(c.Field) }

// NewMapper implements exec.Streaming.
func (c *Iplocation) NewMapper(env *exec.Env) (exec.Mapper, error) {
	if env.Geo == nil {
		return nil, errors.New("iplocation has no database; see docs/geoip.md")
	}
	return &iplocation{c, env.Geo, map[string][]vector.Value{}}, nil
}

type iplocation struct {
	c     *Iplocation
	geo   exec.Geo
	known map[string][]vector.Value // by address; cleared when it grows too large
}

// maxKnownAddresses bounds the results that one worker caches.
const maxKnownAddresses = 1 << 15

func (m *iplocation) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	n := 5
	if m.c.AllFields {
		n = len(places)
	}
	cols := make([][]vector.Value, n)
	for k := range cols {
		cols[k] = make([]vector.Value, b.Len)
		if old := b.Col(m.c.Prefix + places[k].name); old != nil {
			for i := range cols[k] {
				cols[k][i] = old.At(i)
			}
		}
	}
	if col := b.Col(m.c.Field); col != nil {
		pulse := exec.NewPulse(ctx)
		for i := range b.Len {
			pulse.Work(128)
			if v := col.At(i); v.Len() > 0 {
				for k, p := range m.lookup(v.At(0)) {
					if k < n {
						cols[k][i] = p
					}
				}
			}
		}
	}
	out := make([]*vector.Column, n)
	for k := range cols {
		out[k] = vector.NewColumn(m.c.Prefix+places[k].name, cols[k])
	}
	return b.With(out...), nil
}

func (m *iplocation) lookup(ip string) []vector.Value {
	if vals, ok := m.known[ip]; ok {
		return vals
	}
	var vals []vector.Value
	if loc, ok := m.geo.Lookup(ip); ok {
		vals = make([]vector.Value, len(places))
		for k, p := range places {
			vals[k] = vector.String(p.get(&loc))
		}
	}
	if len(m.known) >= maxKnownAddresses {
		clear(m.known)
	}
	m.known[vector.String(ip).Clone().Text()] = vals
	return vals
}
