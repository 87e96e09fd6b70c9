package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
)

// From returns the rows of a dataset: from a data model, a lookup or a saved
// search.
type From struct {
	Kind string // datamodel, lookup or savedsearch
	Name string

	dataset *dataset // for a data model
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "from", Kind: syntax.KindGenerating,
		Summary: "Return the rows of a data model dataset, a lookup or a saved search.",
		Syntax:  "from datamodel:<model>[.<dataset>] | lookup:<table> | savedsearch:<name>",
		Doc: "The events of a data model keep their field names, and missing fields of the model are set to `unknown`. Put names\n" +
			"with spaces in double quotes, before or after the colon. A space may replace the colon.",
		Args: []syntax.Arg{{Name: "<kind>:<name>", Doc: "What to read, and its name."}},
		Examples: []syntax.Example{{
			Lookup: "user,team\nalice,blue\nbob,red\n",
			Search: `| from lookup:example.csv | search team=red`,
			Want:   []string{`{"user":"bob","team":"red"}`},
		}, {
			Events: []string{`{"_time":1700000000,"tag":"change","user":"alice"}`, `{"_time":1700000001,"tag":"authentication","user":"bob"}`},
			Search: `| from datamodel:"Change.All_Changes" | table user dest`,
			Want:   []string{`{"user":"alice","dest":"unknown"}`},
		}},
		Parse: parseFromCommand,
	})
}

var fromKinds = []string{"datamodel", "lookup", "savedsearch"}

func parseFromCommand(p *syntax.Parser) (syntax.Command, error) {
	start := p.Peek().Span
	text, err := p.Rest()
	if err != nil {
		return nil, err
	}
	span := diag.Span{Start: start.Start, End: max(start.End, start.Start+len(text))}
	kind, name := strings.ReplaceAll(text, `"`, ""), ""
	if i := strings.IndexAny(kind, ": \t\n"); i >= 0 {
		kind, name = kind[:i], strings.TrimLeft(kind[i:], ": \t\n")
	}
	c := &From{Kind: strings.ToLower(kind), Name: strings.TrimSpace(name)}
	if c.Kind == "inputlookup" {
		c.Kind = "lookup"
	}
	if c.Name == "" || !slices.Contains(fromKinds, c.Kind) {
		what := "from needs a dataset"
		if c.Name != "" {
			what = fmt.Sprintf("from does not support the dataset type %q", kind)
		}
		e := diag.At(span, "%s", what).WithHint("write from datamodel:Authentication, from lookup:x.csv or from savedsearch:x")
		if c.Kind == "sid" {
			e.Hint = "results of earlier searches are not kept: write them with outputlookup and read them with from lookup:x.csv"
		}
		return nil, e
	}
	if c.Kind == "datamodel" {
		c.dataset, err = findDataset(c.Name, span)
	}
	return c, err
}

// Print implements syntax.Command.
func (c *From) Print() string { return "from " + c.Kind + `:"` + c.Name + `"` }

// Needs implements syntax.Command.
func (c *From) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Reads returns the search that finds the events, "" when there are none or a saved
// search says it.
func (c *From) Reads() (string, error) {
	if c.dataset == nil {
		return "", nil
	}
	return c.dataset.events(), nil
}

// Generate implements exec.Generating.
func (c *From) Generate(ctx context.Context, env *exec.Env) (exec.Operator, error) {
	switch c.Kind {
	case "lookup":
		return (&Inputlookup{Table: c.Name, Max: inputlookupMax, Strict: true}).Generate(ctx, env)
	case "savedsearch":
		return runSaved(ctx, env, &Savedsearch{Name: c.Name})
	}
	c.dataset.warn(env)
	return run(ctx, env, c.dataset.events())
}

// events returns the search that finds the events of the dataset.
func (d *dataset) events() string {
	text := "search " + d.model.Search(d.set)
	if fill := d.fill(d.fieldNames()); fill != "" {
		text += " | " + fill
	}
	return text
}
