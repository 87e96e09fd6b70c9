package cmd

import (
	"context"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
)

// Metadata counts events by host, source or sourcetype.
type Metadata struct {
	Type    string // hosts, sources or sourcetypes
	Indexes []string
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "metadata", Kind: syntax.KindGenerating,
		Summary: "List hosts, sources or sourcetypes with their first and last event.",
		Syntax:  "metadata type=hosts|sources|sourcetypes [index=<name>]…",
		Doc: "Returns a row for each with firstTime and lastTime (the earliest and latest _time), recentTime (when its latest event\n" +
			"was ingested, or lastTime if that is not recorded) and totalCount. Counts the events in the search's time range.",
		Args: []syntax.Arg{
			{Name: "type", Doc: "What to list."},
			{Name: "index", Default: "*", Doc: "The index; may be repeated and contain `*`."},
			{Name: "splunk_server, splunk_server_group, datatype", Doc: "Accepted for compatibility; ignored."},
		},
		Examples: []syntax.Example{{
			Events: []string{`{"_time":1700000000,"k":"a"}`, `{"_time":1700000007,"k":"b"}`},
			Search: `| metadata type=hosts index=aws | fields - recentTime`,
			Want:   []string{`{"firstTime":"1700000000","host":"aws","lastTime":"1700000007","totalCount":"2","type":"hosts"}`},
		}},
		Parse: parseMetadata,
	})
}

func parseMetadata(p *syntax.Parser) (syntax.Command, error) {
	c := &Metadata{}
	start := p.Peek().Span
	err := p.Options([]string{"type", "index", "splunk_server", "splunk_server_group", "datatype"}, func(o syntax.Option) error {
		switch o.Name {
		case "type":
			switch c.Type = strings.ToLower(o.Value.Text); c.Type {
			case "hosts", "sources", "sourcetypes":
			default:
				return diag.At(o.Value.Span, "metadata has no type %q", o.Value.Text).WithHint("hosts, sources or sourcetypes")
			}
		case "index":
			c.Indexes = append(c.Indexes, o.Value.Text)
		}
		return nil
	})
	if err == nil && c.Type == "" {
		err = diag.At(start, "metadata needs a type").WithHint("type=hosts, type=sources or type=sourcetypes")
	}
	return c, err
}

// Print implements syntax.Command.
func (c *Metadata) Print() string {
	s := "metadata type=" + c.Type
	for _, name := range c.Indexes {
		s += " index=" + syntax.PrintOption(name)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Metadata) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Generate implements exec.Generating.
func (c *Metadata) Generate(ctx context.Context, env *exec.Env) (exec.Operator, error) {
	field := strings.TrimSuffix(c.Type, "s")
	return run(ctx, env, searchIndexes(c.Indexes)+
		" | stats min(_time) AS firstTime max(_time) AS lastTime max(_indextime) AS recentTime count AS totalCount BY "+field+
		` | eval recentTime=coalesce(recentTime, lastTime), type="`+c.Type+`"`+
		" | table firstTime "+field+" lastTime recentTime totalCount type")
}

// searchIndexes returns the search that finds all events of the named indexes,
// or of every index if none is named.
func searchIndexes(names []string) string {
	if len(names) == 0 {
		return "search index=*"
	}
	tests := make([]string, len(names))
	for i, name := range names {
		tests[i] = filter.PrintTest("index", name)
	}
	return "search (" + strings.Join(tests, " OR ") + ")"
}
