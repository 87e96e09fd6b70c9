package op

import (
	"context"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// Whole returns what make makes of all rows of in together; they are counted
// against the search's memory until the result is closed.
func Whole(env *exec.Env, in exec.Operator, make func(ctx context.Context, rows []*vector.Batch) (exec.Operator, error)) exec.Operator {
	return &wholeOp{env: env, in: in, make: make, held: env.Memory.Hold()}
}

type wholeOp struct {
	env  *exec.Env
	in   exec.Operator
	make func(context.Context, []*vector.Batch) (exec.Operator, error)
	out  exec.Operator
	held *exec.Held
}

func (w *wholeOp) Next(ctx context.Context) (*vector.Batch, error) {
	if w.out == nil {
		rows, err := Gather(ctx, w.held, w.in)
		if err != nil {
			return nil, err
		}
		if w.out, err = w.make(ctx, rows); err != nil {
			return nil, err
		}
	}
	return w.out.Next(ctx)
}

func (w *wholeOp) Close() {
	w.in.Close()
	if w.out != nil {
		w.out.Close()
	}
	w.held.Release()
}

// Gather reads all rows of in, and counts them in held.
func Gather(ctx context.Context, held *exec.Held, in exec.Operator) (rows []*vector.Batch, err error) {
	err = exec.Drain(ctx, in, func(b *vector.Batch) error {
		rows = append(rows, b)
		return held.Add(b.Size())
	})
	return rows, err
}
