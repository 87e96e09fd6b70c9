package cmd

import (
	"context"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
)

// Reverse reverses the order of the rows.
type Reverse struct{}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "reverse", Kind: syntax.KindSerial,
		Summary: "Reverse the order of the rows.",
		Syntax:  "reverse",
		Doc:     "All rows are held and count against the memory budget of the search.",
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="n
1
2" | reverse`,
			Want: []string{`{"n":"2"}`, `{"n":"1"}`},
		}},
		Parse: func(*syntax.Parser) (syntax.Command, error) { return Reverse{}, nil },
	})
}

// Print implements syntax.Command.
func (Reverse) Print() string { return "reverse" }

// Needs implements syntax.Command.
func (Reverse) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Open implements exec.Serial.
func (Reverse) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return &backwards{in: in, held: env.Memory.Hold()}, nil
}
