package cmd

import (
	"context"
	"errors"
	"io"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// Require makes a search without rows fail.
type Require struct{}

func init() {
	spl.RegisterCommand(&spl.CommandDef{
		Name: "require", Kind: spl.KindSerial,
		Summary: "Let the search fail when there are no rows.",
		Syntax:  "require",
		Doc:     "Rows pass as they are.",
		Examples: []spl.Example{{
			Search: `| makeresults | eval a=1 | require | table a`,
			Want:   []string{`{"a":"1"}`},
		}},
		Parse: func(*spl.Parser) (spl.Command, error) { return Require{}, nil },
	})
}

// Print implements spl.Command.
func (Require) Print() string { return "require" }

// Needs implements spl.Command.
func (Require) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Open implements spl.Serial.
func (Require) Open(_ context.Context, _ *spl.Env, in spl.Operator) (spl.Operator, error) {
	return &require{in: in}, nil
}

type require struct {
	in   spl.Operator
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
