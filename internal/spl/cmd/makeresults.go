package cmd

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/jsonscan"
	"bluetrail/internal/spath"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

// Makeresults creates empty rows, or rows from data in the search.
type Makeresults struct {
	Count    int
	Annotate bool
	Format   string // "", csv or json
	Data     string
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "makeresults", Kind: syntax.KindGenerating,
		Summary: "Generate rows without reading events.",
		Syntax:  "makeresults [[count=]<n>] [annotate=<bool>] [format=csv|json data=<text>]",
		Doc: "Each row has `_time`, the moment the search started. With `format`, the rows come from `data`: CSV with a header line,\n" +
			"or a JSON array of objects whose members become fields and whose text becomes `_raw`. `count` is then ignored.",
		Args: []syntax.Arg{
			{Name: "count", Default: "1", Doc: "Number of rows."},
			{Name: "annotate", Default: "false", Doc: "Also add the columns `_raw`, `host`, `source`, `sourcetype`, `splunk_server` and `splunk_server_group`, empty."},
			{Name: "format", Doc: "The format of `data`: `csv` or `json`."},
			{Name: "data", Doc: "The rows."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults count=2 | eval a=1 | table a`,
			Want:   []string{`{"a":"1"}`, `{"a":"1"}`},
		}, {
			Doc: "Rows written in the search.",
			Search: `| makeresults format=csv data="user,n
alice,1
bob,2"`,
			Want: []string{`{"user":"alice","n":"1"}`, `{"user":"bob","n":"2"}`},
		}, {
			Search: `| makeresults format=json data="[{\"a\":1,\"b\":{\"c\":2}}]" | table a b`,
			Want:   []string{`{"a":"1","b":"{\"c\":2}"}`},
		}},
		Parse: parseMakeresults,
	})
}

func parseMakeresults(p *syntax.Parser) (syntax.Command, error) {
	c := &Makeresults{Count: 1}
	var data diag.Span
	if tok := p.Peek(); tok.Kind == syntax.Word && strings.Trim(tok.Text, "0123456789") == "" {
		if _, err := p.Take(); err != nil {
			return nil, err
		}
		var err error
		if c.Count, err = (syntax.Option{Name: "count", Value: tok}).Int(0); err != nil {
			return nil, err
		}
	}
	err := p.Options([]string{"count", "annotate", "format", "data", "splunk_server", "splunk_server_group"}, func(o syntax.Option) (err error) {
		switch o.Name {
		case "count":
			c.Count, err = o.Int(0)
		case "annotate":
			c.Annotate, err = o.Bool()
		case "format":
			if c.Format = strings.ToLower(o.Value.Text); c.Format != "csv" && c.Format != "json" {
				err = diag.At(o.Value.Span, "format must be csv or json, not %q", o.Value.Text)
			}
		case "data":
			c.Data, data = o.Value.Text, o.Value.Span
		}
		return err
	})
	switch {
	case err != nil:
	case c.Data != "" && c.Format == "":
		err = diag.At(data, "data= needs format=csv or format=json")
	case c.Format != "":
		if _, bad := c.rows(); bad != nil {
			err = diag.At(data, "%s", bad)
		}
	}
	return c, err
}

// Print implements syntax.Command.
func (c *Makeresults) Print() string {
	s := "makeresults"
	if c.Count != 1 {
		s += " count=" + strconv.Itoa(c.Count)
	}
	if c.Annotate {
		s += " annotate=true"
	}
	if c.Format != "" {
		s += " format=" + c.Format + " data=" + filter.Quote(c.Data)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Makeresults) Needs(filter.FieldSet) filter.FieldSet { return filter.FieldSet{} }

// Generate implements exec.Generating.
func (c *Makeresults) Generate(_ context.Context, env *exec.Env) (exec.Operator, error) {
	if c.Format != "" {
		b, err := c.rows()
		if err != nil {
			return nil, err
		}
		return exec.Rows(b), nil
	}
	cols := []*vector.Column{vector.Constant("_time", vector.Float(splunktime.Epoch(env.Now)))}
	if c.Annotate {
		for _, name := range []string{"_raw", "host", "source", "sourcetype", "splunk_server", "splunk_server_group"} {
			v := vector.Value{}
			if name == "splunk_server" {
				v = vector.String(event.Server)
			}
			cols = append(cols, vector.Constant(name, v))
		}
	}
	return &repeated{cols: cols, left: c.Count}, nil
}

// repeated returns the same row repeatedly.
type repeated struct {
	cols []*vector.Column
	left int
}

func (r *repeated) Next(ctx context.Context) (*vector.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.left <= 0 {
		return nil, io.EOF
	}
	n := min(r.left, vector.DefaultRows)
	r.left -= n
	return &vector.Batch{Len: n, Cols: r.cols}, nil
}

func (r *repeated) Close() { r.left = 0 }

func (c *Makeresults) rows() (*vector.Batch, error) {
	if c.Format == "json" {
		return jsonRows(c.Data)
	}
	return csvRows(c.Data)
}

func csvRows(data string) (*vector.Batch, error) {
	r := csv.NewReader(strings.NewReader(strings.TrimSpace(data)))
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	names, err := r.Read()
	if err == io.EOF {
		return nil, errors.New("the data has no header line")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the data as csv: %w", err)
	}
	b := vector.NewBuilder(names...)
	for {
		cells, err := r.Read()
		if err == io.EOF {
			return b.Batch(), nil
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the data as csv: %w", err)
		}
		if len(cells) > len(names) {
			line, _ := r.FieldPos(0)
			return nil, fmt.Errorf("line %d of the data has %d cells, but its first line has %d", line, len(cells), len(names))
		}
		b.Add()
		for i, cell := range cells {
			if cell != "" {
				b.Set(names[i], vector.String(cell))
			}
		}
	}
}

func jsonRows(data string) (*vector.Batch, error) {
	doc := []byte(strings.TrimSpace(data))
	if len(doc) == 0 || doc[0] != '[' {
		return nil, errors.New("the data must be a JSON array of objects")
	}
	b := vector.NewBuilder()
	var bad error
	end, err := jsonscan.Array(doc, 0, jsonscan.MaxDepth, func(row []byte) bool {
		b.Add()
		raw := bytes.TrimSpace(row)
		b.Set("_raw", vector.String(string(jsonscan.Compact(raw))))
		if len(raw) == 0 || raw[0] != '{' {
			bad = errors.New("the data must be a JSON array of objects")
			return false
		}
		_, bad = jsonscan.Object(raw, 0, jsonscan.MaxDepth, func(key string, value []byte) bool {
			if jsonscan.KindOf(value) != jsonscan.Null {
				b.Set(key, jsonValue(value))
			}
			return true
		})
		return bad == nil
	})
	if err = errors.Join(bad, err); err != nil {
		return nil, fmt.Errorf("cannot read the data as json: %w", err)
	}
	if rest := bytes.TrimSpace(doc[end:]); len(rest) > 0 {
		return nil, fmt.Errorf("unexpected text after the JSON array: %.20q", rest)
	}
	return b.Batch(), nil
}

// jsonValue converts a member of an object to a field value: an array of
// scalars becomes several values, other arrays and objects become text.
func jsonValue(value []byte) vector.Value {
	if jsonscan.KindOf(value) == jsonscan.Composite && value[0] == '[' {
		var list []string
		plain := true
		_, err := jsonscan.Array(value, 0, jsonscan.MaxDepth, func(v []byte) bool {
			plain = jsonscan.KindOf(v) != jsonscan.Composite
			if jsonscan.KindOf(v) != jsonscan.Null {
				list = append(list, jsonscan.Scalar(v))
			}
			return plain
		})
		if err == nil && plain {
			return vector.Strings(list)
		}
	}
	return vector.String(spath.Text(value))
}
