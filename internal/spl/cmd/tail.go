package cmd

import (
	"context"
	"io"
	"slices"
	"strconv"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Tail keeps the last rows and reverses their order.
type Tail struct{ N int }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "tail", Kind: syntax.KindSerial,
		Summary: "Keep the last rows, last one first.",
		Syntax:  "tail [<n>]",
		Doc:     "Only that many rows are held in memory.",
		Args:    []syntax.Arg{{Name: "<n>", Default: "10", Doc: "Number of rows."}},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="n
1
2
3" | tail 2`,
			Want: []string{`{"n":"3"}`, `{"n":"2"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Tail{N: 10}
			if p.AtEnd() {
				return c, nil
			}
			tok, err := p.Take()
			if err != nil {
				return nil, err
			}
			n, err := strconv.Atoi(tok.Text)
			if err != nil || n < 0 {
				return nil, p.Unexpected(tok, "how many rows to keep")
			}
			c.N = n
			return c, nil
		},
	})
}

// Print implements syntax.Command.
func (c *Tail) Print() string { return "tail " + strconv.Itoa(c.N) }

// Needs implements syntax.Command.
func (c *Tail) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Open implements exec.Serial.
func (c *Tail) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return &backwards{in: in, held: env.Memory.Hold(), limit: c.N, bounded: true}, nil
}

// backwards emits the rows from last to first, at most limit of them if
// bounded.
type backwards struct {
	in      exec.Operator
	limit   int
	bounded bool
	read    bool
	batches []*vector.Batch
	rows    int
	held    *exec.Held
	order   op.ColumnOrder
}

func (t *backwards) Close() {
	t.in.Close()
	t.held.Release()
	t.batches = nil
}

func (t *backwards) gather(ctx context.Context) error {
	return exec.Drain(ctx, t.in, func(b *vector.Batch) error {
		t.order.See(b)
		t.batches = append(t.batches, b)
		t.rows += b.Len
		size := b.Size()
		for t.bounded && len(t.batches) > 0 && t.rows-t.batches[0].Len >= t.limit {
			t.rows -= t.batches[0].Len
			size -= t.batches[0].Size()
			t.batches = t.batches[1:]
		}
		return t.held.Add(size)
	})
}

func (t *backwards) Next(ctx context.Context) (*vector.Batch, error) {
	if !t.read {
		t.read = true
		if err := t.gather(ctx); err != nil {
			return nil, err
		}
		if !t.bounded {
			t.limit = t.rows
		}
	}
	if len(t.batches) == 0 || t.limit <= 0 {
		return nil, io.EOF
	}
	if n := min(t.rows, t.limit); n <= vector.DefaultRows && len(t.batches) > 1 {
		return t.order.Arrange(t.few(n)), nil
	}
	b := t.batches[len(t.batches)-1]
	t.batches = t.batches[:len(t.batches)-1]
	n := min(b.Len, t.limit)
	t.limit -= n
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(b.Len - 1 - i)
	}
	t.rows -= b.Len
	return t.order.Arrange(b.Pick(rows)), nil
}

// few combines the last n rows into one batch that has the columns of all.
func (t *backwards) few(n int) *vector.Batch {
	out := vector.NewBuilder()
	for _, b := range slices.Backward(t.batches) {
		for i := b.Len - 1; i >= 0 && out.Len() < n; i-- {
			out.AddRow(b, i)
		}
	}
	t.batches = nil
	return out.Batch()
}
