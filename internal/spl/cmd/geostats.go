package cmd

import (
	"strconv"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Geostats computes aggregates over the cells of a map, at each zoom level.
type Geostats struct {
	Lat, Long         string
	OutLat, OutLong   string
	SpanLat, SpanLong float64 // degrees of a cell at zoom level 0
	MaxZoom           int
	Limit             int  // globallimit: number of values of BY, 0 = all
	CellLimit         int  // locallimit: number of values of BY per cell, 0 = all
	Tuples            bool // translatetoxy=false
	Aggs              []*op.Aggregation
	By                string // "" = none
}

var geostatsDefaults = Geostats{Lat: "lat", Long: "lon", OutLat: "latitude", OutLong: "longitude", SpanLat: 22.5, SpanLong: 45, MaxZoom: 9, Limit: 10, CellLimit: 10}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "geostats", Kind: syntax.KindTransforming,
		Summary: "Compute aggregates for the cells of a map, at each zoom level.",
		Syntax:  "geostats [latfield=<field>] [longfield=<field>] [outputlatfield=<field>] [outputlongfield=<field>] [binspanlat=<degrees>] [binspanlong=<degrees>] [maxzoomlevel=<n>] [globallimit=<n>] [locallimit=<n>] [translatetoxy=<bool>] <aggregate> … [BY <field>]",
		Doc: "Returns a row for each cell that is not empty: `geobin` names the zoom level and cell; `latitude` and `longitude` are\n" +
			"the mean position of its rows. Each level halves the cells in both directions. With BY there is a column for each of\n" +
			"the values with the largest sums of the first aggregate, and `OTHER` for the rest. Rows without a valid position are\n" +
			"left out.",
		Args: []syntax.Arg{
			{Name: "latfield, longfield", Default: "lat, lon", Doc: "The fields with the position, in degrees."},
			{Name: "outputlatfield, outputlongfield", Default: "latitude, longitude", Doc: "The fields for the mean position."},
			{Name: "binspanlat, binspanlong", Default: "22.5, 45", Doc: "The size of a cell at zoom level 0, in degrees."},
			{Name: "maxzoomlevel", Default: "9", Doc: "The last zoom level, up to 9."},
			{Name: "globallimit", Default: "10", Doc: "Maximum number of BY values that get a column; 0 means all."},
			{Name: "locallimit", Default: "10", Doc: "Maximum number of these that one cell shows; the rest count as OTHER. 0 means all."},
			{Name: "translatetoxy", Default: "true", Doc: "When false, return a row for each BY value in a cell instead of columns."},
			{Name: "<aggregate>", Doc: "As in stats."},
			{Name: "BY <field>", Doc: "The field whose values become columns."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="lat,lon
50,8
52,10
-34,151" | geostats maxzoomlevel=0 count`,
			Want: []string{
				`{"geobin":"bin_id_zl_0_y_2_x_7","latitude":"-34","longitude":"151","count":"1"}`,
				`{"geobin":"bin_id_zl_0_y_6_x_4","latitude":"51","longitude":"9","count":"2"}`,
			},
		}},
		Parse: parseGeostats,
	})
}

func parseGeostats(p *syntax.Parser) (syntax.Command, error) {
	c := geostatsDefaults
	names := []string{"latfield", "longfield", "outputlatfield", "outputlongfield", "binspanlat", "binspanlong", "maxzoomlevel", "globallimit", "locallimit", "translatetoxy"}
	options := func() error { return p.Options(names, c.option) }
	err := options()
	if err == nil {
		c.Aggs, err = op.ParseAggregations(p, "by")
	}
	if err == nil {
		err = options()
	}
	if err == nil && p.AcceptWord("by") {
		if c.By, err = p.Field(); err == nil {
			err = options()
		}
	}
	return &c, err
}

func (c *Geostats) option(o syntax.Option) (err error) {
	degrees := func(dst *float64, most float64) error {
		if *dst, err = op.Number(o); err == nil && !(*dst >= 0.01 && *dst <= most) {
			err = diag.At(o.Value.Span, "%s must be from 0.01 to %g degrees, not %q", o.Name, most, o.Value.Text)
		}
		return err
	}
	switch o.Name {
	case "latfield":
		c.Lat = o.Value.Text
	case "longfield":
		c.Long = o.Value.Text
	case "outputlatfield":
		c.OutLat = o.Value.Text
	case "outputlongfield":
		c.OutLong = o.Value.Text
	case "binspanlat":
		return degrees(&c.SpanLat, 180)
	case "binspanlong":
		return degrees(&c.SpanLong, 360)
	case "maxzoomlevel":
		if c.MaxZoom, err = o.Int(0); err == nil && c.MaxZoom > 9 {
			err = diag.At(o.Value.Span, "maxzoomlevel must be from 0 to 9, not %d", c.MaxZoom)
		}
	case "globallimit":
		c.Limit, err = o.Int(0)
	case "locallimit":
		c.CellLimit, err = o.Int(0)
	case "translatetoxy":
		c.Tuples, err = o.Bool()
		c.Tuples = !c.Tuples
	}
	return err
}

// Print implements syntax.Command.
func (c *Geostats) Print() string {
	s := "geostats"
	d := &geostatsDefaults
	for _, o := range []struct{ name, value, otherwise string }{
		{"latfield", c.Lat, d.Lat}, {"longfield", c.Long, d.Long}, {"outputlatfield", c.OutLat, d.OutLat}, {"outputlongfield", c.OutLong, d.OutLong},
		{"binspanlat", vector.FormatNumber(c.SpanLat), vector.FormatNumber(d.SpanLat)},
		{"binspanlong", vector.FormatNumber(c.SpanLong), vector.FormatNumber(d.SpanLong)},
		{"maxzoomlevel", strconv.Itoa(c.MaxZoom), strconv.Itoa(d.MaxZoom)},
		{"globallimit", strconv.Itoa(c.Limit), strconv.Itoa(d.Limit)},
		{"locallimit", strconv.Itoa(c.CellLimit), strconv.Itoa(d.CellLimit)},
		{"translatetoxy", strconv.FormatBool(!c.Tuples), "true"},
	} {
		if o.value != o.otherwise {
			s += " " + o.name + "=" + syntax.PrintOption(o.value)
		}
	}
	s += " " + op.PrintAggregations(c.Aggs)
	if c.By != "" {
		s += " BY " + syntax.PrintField(c.By)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Geostats) Needs(filter.FieldSet) filter.FieldSet {
	need := (&Stats{Aggs: c.Aggs}).reads(filter.Fields(c.Lat, c.Long))
	if c.By != "" {
		need = need.Add(c.By)
	}
	return need
}

// Ordered implements exec.Transforming.
func (c *Geostats) Ordered() bool { return (&Stats{Aggs: c.Aggs}).Ordered() }
