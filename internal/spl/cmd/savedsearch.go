package cmd

import (
	"context"
	"fmt"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl"
)

// Savedsearch runs a search that the knowledge folder holds by name.
type Savedsearch struct {
	Name string
	Args []spl.Option // what stands for $name$
}

func init() {
	spl.RegisterCommand(&spl.CommandDef{
		Name: "savedsearch", Kind: spl.KindGenerating,
		Summary: "Run a saved search.",
		Syntax:  "savedsearch <name> [<key>=<value> …]",
		Doc:     "Saved searches are read from savedsearches.conf of the knowledge folder. Their schedule and time range are not looked at.",
		Args: []spl.Arg{
			{Name: "<name>", Doc: "The name of the stanza."},
			{Name: "<key>=<value>", Doc: "Puts the value in the place of `$key$` in the search."},
		},
		Examples: []spl.Example{{
			Saved:  "| makeresults | eval user=\"$who$\" | table user",
			Search: `| savedsearch example who=alice`,
			Want:   []string{`{"user":"alice"}`},
		}},
		Parse: parseSavedsearch,
	})
}

func parseSavedsearch(p *spl.Parser) (spl.Command, error) {
	c := &Savedsearch{}
	var err error
	if c.Name, err = p.Field(); err != nil {
		return nil, err
	}
	for !p.AtEnd() {
		tok := p.Peek()
		o, ok, err := p.Option()
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, diag.At(tok.Span, "unexpected %q behind the name of the saved search", tok.Text).WithHint("put a name with blanks in double quotes")
		}
		c.Args = append(c.Args, o)
	}
	return c, nil
}

// Print implements spl.Command.
func (c *Savedsearch) Print() string {
	s := "savedsearch " + spl.PrintField(c.Name)
	for _, a := range c.Args {
		s += " " + a.Name + "=" + spl.PrintOption(a.Value.Text)
	}
	return s
}

// Needs implements spl.Command.
func (c *Savedsearch) Needs(out spl.FieldSet) spl.FieldSet { return out }

// Generate implements spl.Generating.
func (c *Savedsearch) Generate(ctx context.Context, env *spl.Env) (spl.Operator, error) {
	return runSaved(ctx, env, c.Name, c.Args)
}

// savedDepth is the context's key for how many saved searches a search is in.
type savedDepth struct{}

// runSaved opens the saved search of a name, args in the place of $name$.
func runSaved(ctx context.Context, env *spl.Env, name string, args []spl.Option) (spl.Operator, error) {
	known, ok := env.Tables.(spl.SavedSearches)
	if !ok {
		return nil, fmt.Errorf("cannot run saved search %q: no knowledge folder is known (give one by --knowledge)", name)
	}
	text, ok := known.SavedSearch(name)
	if !ok {
		err := fmt.Errorf("there is no saved search %q", name)
		if hint := diag.DidYouMean(name, known.SavedSearchNames()); hint != "" {
			err = fmt.Errorf("%w (%s)", err, hint)
		}
		return nil, err
	}
	for _, a := range args {
		text = strings.ReplaceAll(text, "$"+a.Name+"$", a.Value.Text)
	}
	depth, _ := ctx.Value(savedDepth{}).(int)
	if depth++; depth > env.Limits.SubsearchDepth {
		return nil, fmt.Errorf("saved search %q is nested more than %d deep; does it run itself?", name, env.Limits.SubsearchDepth)
	}
	ctx = context.WithValue(ctx, savedDepth{}, depth)
	text, err := spl.ExpandMacros(text, env.Macros)
	if err != nil {
		return nil, fmt.Errorf("cannot run saved search %q: %w", name, err)
	}
	op, err := run(ctx, env, text)
	if err != nil {
		return nil, fmt.Errorf("cannot run saved search %q: %w", name, err)
	}
	return op, nil
}
