package cmd

import (
	"context"
	"errors"
	"io"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Require makes a search fail if it has no rows.
type Require struct{}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "require", Kind: syntax.KindSerial,
		Summary: "Fail the search when there are no rows.",
		Syntax:  "require",
		Doc:     "Rows pass unchanged.",
		Examples: []syntax.Example{{
			Search: `| makeresults | eval a=1 | require | table a`,
			Want:   []string{`{"a":"1"}`},
		}},
		Parse: func(*syntax.Parser) (syntax.Command, error) { return Require{}, nil },
	})
}

// Print implements syntax.Command.
func (Require) Print() string { return "require" }

// Needs implements syntax.Command.
func (Require) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Open implements exec.Serial.
func (Require) Open(_ context.Context, _ *exec.Env, in exec.Operator) (exec.Operator, error) {
	return &require{in: in}, nil
}

type require struct {
	in   exec.Operator
	some bool
}

var errRequired = errors.New("the search has no rows at its require command")

func (r *require) Next(ctx context.Context) (*vector.Batch, error) {
	b, err := r.in.Next(ctx)
	switch {
	case err == io.EOF && !r.some:
		return nil, errRequired
	case err == nil && b.Len > 0:
		r.some = true
	}
	return b, err
}

func (r *require) Close() { r.in.Close() }
