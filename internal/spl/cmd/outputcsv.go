package cmd

import (
	"strings"

	"bluetrail/internal/spl/syntax"
)

// Outputcsv is outputlookup for a .csv file.
type Outputcsv struct{ Outputlookup }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "outputcsv", Kind: syntax.KindSerial,
		Summary: "Write the rows to a .csv file and pass them on.",
		Syntax:  "outputcsv [append=<bool>] [create_empty=<bool>] [override_if_empty=<bool>] [max=<n>] <file>",
		Doc: "The file is in lookups/ of the knowledge folder; no other location is written. Otherwise like outputlookup, except\n" +
			"that it writes the internal fields of events too, and with `append` it skips fields for which the file has no column.",
		Args: []syntax.Arg{
			{Name: "<file>", Doc: "The file name; .csv may be omitted."},
			{Name: "append, create_empty, override_if_empty, max", Doc: "As in outputlookup."},
		},
		Examples: []syntax.Example{{
			Lookup: "user\nalice\n",
			Search: `| makeresults | eval user="bob" | table user | outputcsv append=true example | inputcsv append=true example`,
			Want:   []string{`{"user":"bob"}`, `{"user":"alice"}`, `{"user":"bob"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c, err := parseOutputlookup(p)
			if err != nil {
				return nil, err
			}
			out := &Outputcsv{*c.(*Outputlookup)}
			out.header, out.all = true, true
			out.Table, err = csvFile(p, out.Table)
			return out, err
		},
	})
}

// Writes returns the lookup that is written.
func (c *Outputcsv) Writes() string { return c.Table }

// Print implements syntax.Command.
func (c *Outputcsv) Print() string {
	return "outputcsv" + strings.TrimPrefix(c.Outputlookup.Print(), "outputlookup")
}
