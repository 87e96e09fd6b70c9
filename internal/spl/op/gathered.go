package op

import (
	"context"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// Gathered returns what make makes of all rows of in together; they are counted
// against the search's memory until the result is closed.
func Gathered(env *exec.Env, in exec.Operator, make func(ctx context.Context, rows []*vector.Batch) (exec.Operator, error)) exec.Operator {
	return &gathered{env: env, in: in, make: make, held: env.Memory.Hold()}
}

type gathered struct {
	env  *exec.Env
	in   exec.Operator
	make func(context.Context, []*vector.Batch) (exec.Operator, error)
	out  exec.Operator
	held *exec.Held
}

func (w *gathered) Next(ctx context.Context) (*vector.Batch, error) {
	if w.out == nil {
		rows, err := ReadAll(ctx, w.held, w.in)
		if err != nil {
			return nil, err
		}
		if w.out, err = w.make(ctx, rows); err != nil {
			return nil, err
		}
	}
	return w.out.Next(ctx)
}

func (w *gathered) Close() {
	w.in.Close()
	if w.out != nil {
		w.out.Close()
	}
	w.held.Release()
}

// ReadAll reads all rows of in, and counts them in held.
func ReadAll(ctx context.Context, held *exec.Held, in exec.Operator) (rows []*vector.Batch, err error) {
	err = exec.Drain(ctx, in, func(b *vector.Batch) error {
		rows = append(rows, b)
		return held.Add(b.Size())
	})
	return rows, err
}
