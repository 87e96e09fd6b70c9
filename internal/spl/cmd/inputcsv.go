package cmd

import (
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/syntax"
)

// Inputcsv is inputlookup for a .csv file.
type Inputcsv struct{ Inputlookup }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "inputcsv", Kind: syntax.KindGenerating,
		Summary: "Return the rows of a .csv file.",
		Syntax:  "inputcsv [append=<bool>] [strict=<bool>] [start=<n>] [max=<n>] <file> [where <search-expression>]",
		Doc:     "The file is in lookups/ of the knowledge folder, where outputcsv writes; no other location is read. Otherwise like inputlookup.",
		Args: []syntax.Arg{
			{Name: "<file>", Doc: "The file name; .csv may be omitted."},
			{Name: "append, strict, start, max, where", Doc: "As in inputlookup."},
			{Name: "events, dispatch", Doc: "Accepted for compatibility; ignored."},
		},
		Examples: []syntax.Example{{
			Lookup: "user,team\nalice,blue\nbob,red\n",
			Search: `| inputcsv max=1 example`,
			Want:   []string{`{"user":"alice","team":"blue"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c, err := parseInput(p, "events", "dispatch")
			if err != nil {
				return nil, err
			}
			in := &Inputcsv{*c.(*Inputlookup)}
			in.Table, err = csvFile(p, in.Table)
			return in, err
		},
	})
}

// csvFile returns the name of a .csv file and adds the extension if it is
// missing. It rejects paths.
func csvFile(p *syntax.Parser, name string) (string, error) {
	if strings.ContainsAny(name, `/\`) {
		return "", diag.At(p.Peek().Span, "%q is not a valid file name: files are in lookups/ of the knowledge folder, not in its subfolders", name)
	}
	if !strings.HasSuffix(strings.ToLower(name), ".csv") {
		name += ".csv"
	}
	return name, nil
}

// Print implements syntax.Command.
func (c *Inputcsv) Print() string {
	return "inputcsv" + strings.TrimPrefix(c.Inputlookup.Print(), "inputlookup")
}

// Resolve implements syntax.Resolving.
func (c *Inputcsv) Resolve(text func(*syntax.Query) (string, error)) (syntax.Command, error) {
	d, err := c.Inputlookup.Resolve(text)
	if err != nil {
		return nil, err
	}
	return &Inputcsv{*d.(*Inputlookup)}, nil
}
