package cmd

import (
	"context"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Cluster groups rows with similar texts.
type Cluster struct {
	Threshold float64 // above 0 and below 1
	Match     string  // termlist, termset, ngramset
	Field     string
	Delims    string // characters that separate terms; "" = all but letters, digits and _
	LabelOnly bool
	ShowCount bool
	Count     string
	Label     string
}

var clusterDefaults = Cluster{Threshold: 0.8, Match: "termlist", Field: "_raw", Count: "cluster_count", Label: "cluster_label"}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "cluster", Kind: syntax.KindSerial,
		Summary: "Group rows with similar text.",
		Syntax:  "cluster [t=<share>] [match=termlist|termset|ngramset] [field=<field>] [delims=<text>] [showcount=<bool>] [countfield=<field>] [labelfield=<field>] [labelonly=<bool>]",
		Doc: "A row joins the first cluster whose first row it resembles, or starts a new one. Two texts are similar when at least\n" +
			"the share `t` of the terms of the longer one also occur in the other: at the same position for `termlist`, anywhere\n" +
			"for `termset`; `ngramset` uses every three characters as a term. The first row of each cluster is kept, with the\n" +
			"cluster's number. Rows without the field belong to no cluster. The first 1,000 terms of a text count, and there are at\n" +
			"most 10,000 clusters. All rows are held in memory.",
		Args: []syntax.Arg{
			{Name: "t", Default: "0.8", Doc: "Required similarity, above 0 and below 1."},
			{Name: "match", Default: "termlist", Doc: "How to compare texts."},
			{Name: "field", Default: "_raw", Doc: "The field to compare."},
			{Name: "delims", Default: "all except letters, digits and _", Doc: "The characters that separate terms."},
			{Name: "showcount", Default: "false", Doc: "Add the number of rows in the cluster."},
			{Name: "countfield", Default: "cluster_count", Doc: "The field for that number."},
			{Name: "labelfield", Default: "cluster_label", Doc: "The field for the cluster number."},
			{Name: "labelonly", Default: "false", Doc: "Keep all rows."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="msg
user alice logged in from home
user bob logged in from home
disk is full" | cluster field=msg showcount=true`,
			Want: []string{
				`{"msg":"user alice logged in from home","cluster_label":"1","cluster_count":"2"}`,
				`{"msg":"disk is full","cluster_label":"2","cluster_count":"1"}`,
			},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := clusterDefaults
			err := p.Options([]string{"t", "match", "field", "delims", "showcount", "countfield", "labelfield", "labelonly"}, c.option)
			return &c, err
		},
	})
}

func (c *Cluster) option(o syntax.Option) (err error) {
	switch o.Name {
	case "t":
		if c.Threshold, err = op.Number(o); err == nil && !(c.Threshold > 0 && c.Threshold < 1) {
			err = diag.At(o.Value.Span, "t must be above 0 and below 1, not %q", o.Value.Text)
		}
	case "match":
		switch c.Match = strings.ToLower(o.Value.Text); c.Match {
		case "termlist", "termset", "ngramset":
		default:
			err = diag.At(o.Value.Span, "match must be termlist, termset or ngramset, not %q", o.Value.Text)
		}
	case "field":
		c.Field = o.Value.Text
	case "delims":
		c.Delims = o.Value.Text
	case "showcount":
		c.ShowCount, err = o.Bool()
	case "countfield":
		c.Count = o.Value.Text
	case "labelfield":
		c.Label = o.Value.Text
	case "labelonly":
		c.LabelOnly, err = o.Bool()
	}
	return err
}

// Print implements syntax.Command.
func (c *Cluster) Print() string {
	s := "cluster"
	if c.Threshold != clusterDefaults.Threshold {
		s += " t=" + vector.FormatNumber(c.Threshold)
	}
	for _, o := range []struct{ name, value, otherwise string }{
		{"match", c.Match, clusterDefaults.Match}, {"field", c.Field, clusterDefaults.Field}, {"delims", c.Delims, ""},
		{"countfield", c.Count, clusterDefaults.Count}, {"labelfield", c.Label, clusterDefaults.Label},
	} {
		if o.value != o.otherwise {
			s += " " + o.name + "=" + syntax.PrintOption(o.value)
		}
	}
	if c.ShowCount {
		s += " showcount=true"
	}
	if c.LabelOnly {
		s += " labelonly=true"
	}
	return s
}

// Needs implements syntax.Command.
func (c *Cluster) Needs(out filter.FieldSet) filter.FieldSet {
	out = out.Without(c.Label)
	if c.ShowCount {
		out = out.Without(c.Count)
	}
	return out.Add(c.Field)
}

// Open implements exec.Serial.
func (c *Cluster) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(ctx context.Context, rows []*vector.Batch) (exec.Operator, error) {
		cs := &clusters{c: c, env: env, held: env.Memory.Hold(), known: map[string]int{}}
		defer cs.held.Release()
		labels := make([][]int, len(rows))
		first := make([][]int32, len(rows)) // rows that start a cluster
		for n, b := range rows {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			labels[n] = make([]int, b.Len)
			for i, v := range op.Present(b, c.Field) {
				if v.IsNull() {
					continue
				}
				label, begins, err := cs.place(ctx, v.Text())
				if err != nil {
					return nil, err
				}
				labels[n][i] = label
				if begins {
					first[n] = append(first[n], int32(i))
				}
			}
		}
		return exec.Rows(c.mark(rows, labels, first, cs.sizes)...), nil
	}), nil
}

// mark adds the number and the size of the cluster to each row.
func (c *Cluster) mark(rows []*vector.Batch, labels [][]int, first [][]int32, sizes []int) []*vector.Batch {
	out := make([]*vector.Batch, len(rows))
	for n, b := range rows {
		label, count := make([]vector.Value, b.Len), make([]vector.Value, b.Len)
		for i, l := range labels[n] {
			if l > 0 {
				label[i], count[i] = vector.Int(l), vector.Int(sizes[l-1])
			}
		}
		b = b.With(vector.NewColumn(c.Label, label))
		if c.ShowCount {
			b = b.With(vector.NewColumn(c.Count, count))
		}
		if !c.LabelOnly {
			b = b.Pick(first[n])
		}
		out[n] = b
	}
	return out
}
