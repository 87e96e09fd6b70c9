package cmd

import (
	"context"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Uniq drops rows that equal the previous row.
type Uniq struct{}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "uniq", Kind: syntax.KindSerial,
		Summary: "Drop rows that equal the previous row in every field.",
		Syntax:  "uniq",
		Doc:     "Only adjacent rows are compared; sort first to drop all duplicates.",
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="a
1
1
2
1" | uniq`,
			Want: []string{`{"a":"1"}`, `{"a":"2"}`, `{"a":"1"}`},
		}},
		Parse: func(*syntax.Parser) (syntax.Command, error) { return &Uniq{}, nil },
	})
}

// Print implements syntax.Command.
func (c *Uniq) Print() string { return "uniq" }

// Needs implements syntax.Command.
func (c *Uniq) Needs(out filter.FieldSet) filter.FieldSet { return out.Union(filter.AllFields()) }

// Open implements exec.Serial.
func (c *Uniq) Open(_ context.Context, _ *exec.Env, in exec.Operator) (exec.Operator, error) {
	return exec.Mapped(in, &uniq{keys: vector.NewRowKeys()}), nil
}

type uniq struct {
	keys *vector.RowKeys
	last string
	some bool
}

func (u *uniq) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	u.keys.Use(b)
	rows := make([]int32, 0, b.Len)
	for i := range b.Len {
		if key := u.keys.Key(i); !u.some || string(key) != u.last {
			u.last, u.some = string(key), true
			rows = append(rows, int32(i))
		}
	}
	return b.Pick(rows), nil
}
