package cmd

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
)

// Savedsearch runs a saved search of the knowledge folder.
type Savedsearch struct {
	Name  string
	Args  []syntax.Option // values for $name$, names as written
	Plain bool            // do not replace $name$
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "savedsearch", Kind: syntax.KindGenerating,
		Summary: "Run a saved search.",
		Syntax:  "savedsearch <name> [nosubstitution=<bool>] [<key>=<value> …]",
		Doc:     "Saved searches are read from savedsearches.conf in the knowledge folder. Their schedule and time range are ignored.",
		Args: []syntax.Arg{
			{Name: "<name>", Doc: "The name of the stanza."},
			{Name: "<key>=<value>", Doc: "Replaces `$key$` in the search with the value. A key without a value is an error."},
			{Name: "nosubstitution", Default: "false", Doc: "Whether to leave `$key$` as it is when it has no value."},
		},
		Examples: []syntax.Example{{
			Saved:  "| makeresults | eval user=\"$who$\" | table user",
			Search: `| savedsearch example who=alice`,
			Want:   []string{`{"user":"alice"}`},
		}},
		Parse: parseSavedsearch,
	})
}

func parseSavedsearch(p *syntax.Parser) (syntax.Command, error) {
	c := &Savedsearch{}
	if p.AtEnd() {
		return nil, p.Unexpected(p.Peek(), "the name of a saved search")
	}
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
			return nil, diag.At(tok.Span, "unexpected %q after the name of the saved search", tok.Text).WithHint("put names with spaces in double quotes")
		}
		if o.Name == "nosubstitution" {
			if c.Plain, err = o.Bool(); err != nil {
				return nil, err
			}
			continue
		}
		o.Name = tok.Text
		c.Args = append(c.Args, o)
	}
	return c, nil
}

// Print implements syntax.Command.
func (c *Savedsearch) Print() string {
	s := "savedsearch " + syntax.PrintField(c.Name)
	if c.Plain {
		s += " nosubstitution=true"
	}
	for _, a := range c.Args {
		s += " " + a.Name + "=" + syntax.PrintOption(a.Value.Text)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Savedsearch) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Generate implements exec.Generating.
func (c *Savedsearch) Generate(ctx context.Context, env *exec.Env) (exec.Operator, error) {
	return runSaved(ctx, env, c)
}

// savedDepth is the context key for the nesting depth of saved searches.
type savedDepth struct{}

// savedText returns the text of a saved search.
func savedText(env *exec.Env, name string) (string, error) {
	known := env.Knowledge
	if known == nil {
		return "", fmt.Errorf("cannot run saved search %q: no knowledge folder is known (give one with --knowledge)", name)
	}
	text, ok := known.SavedSearch(name)
	if ok {
		return text, nil
	}
	if hint := diag.Suggest(name, known.SavedSearchNames(), "saved searches"); hint != "" {
		return "", fmt.Errorf("there is no saved search %q (%s)", name, hint)
	}
	return "", fmt.Errorf("there is no saved search %q", name)
}

// savedToken matches a placeholder for an argument. Other dollar signs, such as
// those in regular expressions, are literal.
var savedToken = regexp.MustCompile(`\$[A-Za-z_][A-Za-z0-9_.]*\$`)

// filled replaces $name$ with the arguments.
func (c *Savedsearch) filled(text string) (string, error) {
	if c.Plain {
		return text, nil
	}
	var lacking []string
	size := len(text)
	text = savedToken.ReplaceAllStringFunc(text, func(token string) string {
		name := strings.Trim(token, "$")
		for _, a := range c.Args {
			if a.Name == name {
				if size += len(a.Value.Text); size > syntax.MaxText {
					return ""
				}
				return a.Value.Text
			}
		}
		if !slices.Contains(lacking, name) {
			lacking = append(lacking, name)
		}
		return token
	})
	if size > syntax.MaxText {
		return "", fmt.Errorf("the saved search %q is longer than %d bytes with its arguments", c.Name, syntax.MaxText)
	}
	if len(lacking) > 0 {
		return "", fmt.Errorf("the saved search %q needs a value for %s (give it after the name, as in %s=…, or use nosubstitution=true)", c.Name, strings.Join(lacking, ", "), lacking[0])
	}
	return text, nil
}

// runSaved opens the search that c names.
func runSaved(ctx context.Context, env *exec.Env, c *Savedsearch) (exec.Operator, error) {
	name := c.Name
	text, err := savedText(env, name)
	if err == nil {
		text, err = c.filled(text)
	}
	if err != nil {
		return nil, err
	}
	depth, _ := ctx.Value(savedDepth{}).(int)
	if depth++; depth > env.Limits.SubsearchDepth {
		return nil, fmt.Errorf("saved search %q is nested more than %d deep; does it run itself?", name, env.Limits.SubsearchDepth)
	}
	ctx = context.WithValue(ctx, savedDepth{}, depth)
	text, err = syntax.ExpandMacros(text, env.Macros, expr.EvalConstant)
	if err != nil {
		return nil, fmt.Errorf("cannot run saved search %q: %w", name, err)
	}
	op, err := run(ctx, env, text)
	if err != nil {
		return nil, fmt.Errorf("cannot run saved search %q: %w", name, err)
	}
	return op, nil
}
