// Package agg holds the aggregates of stats and its kin. They register
// themselves; importing the package makes them known.
package agg

import "bluetrail/internal/spl/syntax"

// sample is the table the examples are over.
const sample = `| makeresults format=csv data="x,u
2,a
4,b
9,a
4,c" | `

func example(call, want string) []syntax.Example {
	return []syntax.Example{{Search: sample + "stats " + call + " as r", Want: []string{want}}}
}
