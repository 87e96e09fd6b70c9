package cmd

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Sendalert sends the rows to an output of alerts and passes them on.
type Sendalert struct {
	Output string
	Params map[string]string // without param.
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "sendalert", Kind: syntax.KindSerial,
		Summary: "Send the rows to an output of alerts and pass them on.",
		Syntax:  "sendalert <output> [param.subject=<text>] [param.message=<text>] [param.<name>=<value>]…",
		Doc: "The output is one of the configuration, see docs/outputs.md. All rows are one message, which is sent once they have\n" +
			"arrived; without rows nothing is sent. A message holds the first 100 rows and says how many there were. The search\n" +
			"fails when the output does not take it: it is tried once, and neither routes nor quiet hours hold for it. Only\n" +
			"searches of `search` and scheduled rules send, the latter at each run, also when late events make a rule look at\n" +
			"a window again; others, such as those of `hunt` and `rules test`, warn.",
		Args: []syntax.Arg{
			{Name: "<output>", Doc: "The name of an output."},
			{Name: "param.subject, param.title", Doc: "The title of the message."},
			{Name: "param.message, param.text", Doc: "The text above the rows."},
			{Name: "param.<name>", Doc: "Other parameters are added to the text."},
			{Name: "results_link, results_path", Doc: "Accepted for compatibility; ignored."},
		},
		Examples: []syntax.Example{{
			Doc:    "Rows that are sent are passed on; here there is none.",
			Search: `| makeresults | eval user="bob" | table user | where user="alice" | sendalert soc param.subject="Alice was here"`,
		}},
		Parse: parseSendalert,
	})
}

func parseSendalert(p *syntax.Parser) (syntax.Command, error) {
	tok := p.Peek()
	if p.AtEnd() || tok.Kind != syntax.Word && tok.Kind != syntax.Quoted {
		return nil, p.Unexpected(tok, "the name of an output")
	}
	name, err := p.Field()
	if err != nil {
		return nil, err
	}
	c := &Sendalert{Output: name, Params: map[string]string{}}
	for {
		o, ok, err := p.Option()
		if err != nil || !ok {
			return c, err
		}
		param, isParam := strings.CutPrefix(o.Name, "param.")
		switch {
		case isParam && param != "":
			c.Params[param] = o.Value.Text
		case o.Name != "results_link" && o.Name != "results_path":
			return nil, o.Unknown("param.subject", "param.message", "results_link", "results_path")
		}
	}
}

// Print implements syntax.Command.
func (c *Sendalert) Print() string {
	s := "sendalert " + syntax.PrintField(c.Output)
	for _, name := range slices.Sorted(maps.Keys(c.Params)) {
		s += " param." + name + "=" + syntax.PrintOption(c.Params[name])
	}
	return s
}

// Needs implements syntax.Command.
func (c *Sendalert) Needs(out filter.FieldSet) filter.FieldSet { return out.Union(filter.AllFields()) }

// Open implements exec.Serial.
func (c *Sendalert) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	s := exec.Sending{Output: c.Output, Title: "Result of a search"}
	for _, name := range slices.Sorted(maps.Keys(c.Params)) {
		switch value := c.Params[name]; name {
		case "subject", "title":
			s.Title = value
		case "message", "text":
			s.Text = strings.TrimPrefix(value+"\n"+s.Text, "\n")
		default:
			s.Text += name + ": " + value + "\n"
		}
	}
	return sending(env, in, "sendalert", s, false), nil
}

// Bounds of the rows in a message.
const (
	maxSentRows   = 100
	maxSentFields = 50
	maxSentValue  = 1 << 10 // bytes
)

// sending sends all rows of in as one message and passes them on.
func sending(env *exec.Env, in exec.Operator, command string, s exec.Sending, graceful bool) exec.Operator {
	return op.Gathered(env, in, func(ctx context.Context, rows []*vector.Batch) (exec.Operator, error) {
		if env.Memory.Over() != nil {
			env.Warn("%s sent nothing: the search ended before it had all rows", command)
			return exec.Rows(rows...), nil
		}
		fill(env, &s, rows)
		switch {
		case s.Total == 0:
		case env.Sender == nil:
			env.Warn("%s sent nothing: only bluetrail search and scheduled rules send", command)
		default:
			if err := env.Sender.Send(ctx, &s); err != nil {
				if !graceful || ctx.Err() != nil {
					return nil, fmt.Errorf("%s: %w", command, err)
				}
				env.Warn("%s sent nothing: %v", command, err)
			}
		}
		return exec.Rows(rows...), nil
	})
}

// fill puts the first rows into a message. Of internal fields, it has _time and _raw.
func fill(env *exec.Env, s *exec.Sending, rows []*vector.Batch) {
	s.Names, s.Rows, s.Total = nil, nil, 0
	for _, name := range op.ColumnNames(rows) {
		if len(s.Names) < maxSentFields && (!op.Internal(name) || name == "_time" || name == "_raw") {
			s.Names = append(s.Names, name)
		}
	}
	for _, b := range rows {
		env.Poll()
		s.Total += b.Len
		for i := 0; i < b.Len && len(s.Rows) < maxSentRows; i++ {
			row := map[string]string{}
			for _, name := range s.Names {
				if v := b.At(name, i); !v.IsNull() {
					row[name] = clipped(strings.Join(v.All(), "\n"), maxSentValue)
				}
			}
			s.Rows = append(s.Rows, row)
		}
	}
}

// clipped shortens a text to a number of bytes, at a rune.
func clipped(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && s[most]&0xc0 == 0x80 {
		most--
	}
	return s[:most] + "…"
}
