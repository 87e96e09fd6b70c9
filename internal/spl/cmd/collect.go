package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/jsonscan"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

// Collect writes the rows to an index and passes them on.
type Collect struct {
	exec.Collected // the destination; Event is not set
	AddTime        bool
	Marker         string
	marker         [][2]string // the fields of Marker
	Test           bool
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "collect", Kind: syntax.KindSerial,
		Summary: "Write the rows to an index and pass them on.",
		Syntax:  "collect index=<name> [source=<text>] [sourcetype=<text>] [host=<text>] [marker=\"<key>=<value>, …\"] [addtime=<bool>] [testmode=<bool>]",
		Doc: "Each row becomes an event: its `_raw` if that is a JSON object, otherwise an object of its fields, in which several\n" +
			"values of a field are one text with a line for each. The time of such an object is `info_min_time`, or else `_time`,\n" +
			"the start of the search's time range or the current time of the search. The events are ingested once the search has\n" +
			"ended successfully; if it fails, none are. `index=<name>` then finds them. A data directory is required.",
		Args: []syntax.Arg{
			{Name: "index", Doc: "The index; it is created if it does not exist."},
			{Name: "source, sourcetype, host", Default: "collect, stash, aws", Doc: "The host, source or sourcetype of the events."},
			{Name: "marker", Doc: "Pairs to add to every event as fields."},
			{Name: "addtime", Default: "true", Doc: "Write `_time` into events made from fields."},
			{Name: "testmode", Default: "false", Doc: "Show the events as `_raw` and ingest nothing."},
			{Name: "spool, file, run_in_preview, output_format, uselb", Doc: "Accepted for compatibility; ignored."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval _time=1700000000, user="alice", n=3 | collect index=summary marker="report=logins" testmode=true | table _raw`,
			Want:   []string{`{"_raw":"{\"_time\":1700000000,\"user\":\"alice\",\"n\":\"3\",\"report\":\"logins\"}"}`},
		}},
		Parse: parseCollect,
	})
}

func parseCollect(p *syntax.Parser) (syntax.Command, error) {
	c := &Collect{AddTime: true, Collected: exec.Collected{Source: "collect", Sourcetype: "stash", Host: "aws"}}
	start := p.Peek().Span
	err := p.Options([]string{"index", "source", "sourcetype", "host", "marker", "addtime", "testmode", "spool", "file", "run_in_preview", "output_format", "uselb"}, func(o syntax.Option) (err error) {
		switch o.Name {
		case "index":
			c.Index = o.Value.Text
			if c.Index == "" || strings.HasPrefix(c.Index, "_") || strings.ContainsAny(c.Index, "*/\\ \t\n\"|") {
				err = diag.At(o.Value.Span, "%q is not a valid index name", o.Value.Text)
			}
		case "source":
			c.Source = o.Value.Text
		case "sourcetype":
			c.Sourcetype = o.Value.Text
		case "host":
			c.Host = o.Value.Text
		case "marker":
			c.Marker = o.Value.Text
			(&Extract{PairDelim: ", \t\n", KVDelim: "="}).pairs(c.Marker, func(key, value string) {
				c.marker = append(c.marker, [2]string{key, value})
			})
			if len(c.marker) == 0 {
				err = diag.At(o.Value.Span, "the marker contains no key=value")
			}
		case "addtime":
			c.AddTime, err = o.Bool()
		case "testmode":
			c.Test, err = o.Bool()
		}
		return err
	})
	if err == nil && c.Index == "" {
		err = diag.At(start, "collect needs index=<name>")
	}
	return c, err
}

// Print implements syntax.Command.
func (c *Collect) Print() string {
	s := "collect index=" + syntax.PrintOption(c.Index) + " source=" + syntax.PrintOption(c.Source) + " sourcetype=" + syntax.PrintOption(c.Sourcetype) + " host=" + syntax.PrintOption(c.Host)
	if c.Marker != "" {
		s += " marker=" + syntax.PrintOption(c.Marker)
	}
	if !c.AddTime {
		s += " addtime=false"
	}
	if c.Test {
		s += " testmode=true"
	}
	return s
}

// Needs implements syntax.Command.
func (c *Collect) Needs(out filter.FieldSet) filter.FieldSet { return out.Union(filter.AllFields()) }

// Open implements exec.Serial.
func (c *Collect) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	if env.Collector == nil && !c.Test {
		return nil, errors.New("collect needs a data directory; use --data, and ingest files before you search them")
	}
	return &collecting{c: c, env: env, in: in}, nil
}

type collecting struct {
	c   *Collect
	env *exec.Env
	in  exec.Operator
}

// Next implements exec.Operator.
func (o *collecting) Next(ctx context.Context) (*vector.Batch, error) {
	b, err := o.in.Next(ctx)
	if err != nil {
		return nil, err
	}
	raw := make([]vector.Value, b.Len)
	for i := range b.Len {
		o.env.Poll()
		e := o.c.Collected
		if e.Event, err = o.c.event(o.env, b, i); err != nil {
			return nil, err
		}
		raw[i] = vector.String(string(e.Event))
		if o.c.Test {
			continue
		}
		if err := o.env.Collector.Collect(e); err != nil {
			return nil, err
		}
	}
	if o.c.Test {
		b = b.With(vector.NewColumn("_raw", raw))
	}
	return b, nil
}

// Close implements exec.Operator.
func (o *collecting) Close() { o.in.Close() }

// event returns row i as JSON.
func (c *Collect) event(env *exec.Env, b *vector.Batch, i int) ([]byte, error) {
	if raw := strings.TrimSpace(b.At("_raw", i).Text()); strings.HasPrefix(raw, "{") && json.Valid([]byte(raw)) {
		return c.marked(jsonscan.Compact([]byte(raw)))
	}
	out := []byte{'{'}
	if c.AddTime {
		at, ok := b.At("info_min_time", i).Num()
		if !ok {
			at, ok = b.At("_time", i).Num()
		}
		switch {
		case ok:
		case !env.Earliest.IsZero():
			at = splunktime.Epoch(env.Earliest)
		default:
			at = splunktime.Epoch(env.Now)
		}
		out = append(append(out, `"_time":`...), vector.FormatNumber(at)...)
	}
	for _, col := range b.Cols {
		v := col.At(i)
		if v.IsNull() || op.Internal(col.Name) {
			continue
		}
		var err error
		if out, err = appendMember(out, col.Name, strings.Join(v.All(), "\n")); err != nil {
			return nil, err
		}
	}
	return c.marked(append(out, '}'))
}

// marked adds the marker fields to an object.
func (c *Collect) marked(object []byte) (_ []byte, err error) {
	out := object[:len(object)-1]
	for _, m := range c.marker {
		if out, err = appendMember(out, m[0], m[1]); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

// appendMember adds a member to an object that is still open.
func appendMember(dst []byte, key, value string) ([]byte, error) {
	if len(dst) > 1 {
		dst = append(dst, ',')
	}
	for i, s := range []string{key, value} {
		text, err := json.Marshal(s)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = append(dst, text...)
	}
	return dst, nil
}
