package cmd

import "bluetrail/internal/spl/syntax"

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "addcoltotals", Kind: syntax.KindSerial,
		Summary: "Append a row with the column totals.",
		Syntax:  "addcoltotals [labelfield=<field>] [label=<text>] [<field-list>]",
		Doc:     "Values that are not numbers are skipped. A column without numbers has no total.",
		Args:    totalsArgs,
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="u,n
x,1
y,3" | addcoltotals labelfield=u`,
			Want: []string{`{"u":"x","n":"1"}`, `{"u":"y","n":"3"}`, `{"u":"Total","n":"4"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			return parseAddtotals(p, &Addtotals{Col: true, Label: "Total", only: true})
		},
	})
}
