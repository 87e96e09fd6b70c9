package cmd

import (
	"context"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// Uniq drops rows that are the same as the one before.
type Uniq struct{}

func init() {
	spl.RegisterCommand(&spl.CommandDef{
		Name: "uniq", Kind: spl.KindSerial,
		Summary: "Drop rows that are the same as the row before in every field.",
		Syntax:  "uniq",
		Doc:     "Only neighbours are compared: sort first to drop all that come twice.",
		Examples: []spl.Example{{
			Search: `| makeresults format=csv data="a
1
1
2
1" | uniq`,
			Want: []string{`{"a":"1"}`, `{"a":"2"}`, `{"a":"1"}`},
		}},
		Parse: func(*spl.Parser) (spl.Command, error) { return &Uniq{}, nil },
	})
}

// Print implements spl.Command.
func (c *Uniq) Print() string { return "uniq" }

// Needs implements spl.Command.
func (c *Uniq) Needs(out filter.FieldSet) filter.FieldSet { return out.Union(filter.AllFields()) }

// Open implements spl.Serial.
func (c *Uniq) Open(_ context.Context, _ *spl.Env, in spl.Operator) (spl.Operator, error) {
	return spl.Mapped(in, &uniq{keys: vector.NewRowKeys()}), nil
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
