package op

import (
	"context"
	"io"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// First ends after a number of rows.
type First struct {
	In   exec.Operator
	Left int
}

func (f *First) Next(ctx context.Context) (*vector.Batch, error) {
	if f.Left <= 0 {
		return nil, io.EOF
	}
	b, err := f.In.Next(ctx)
	if err != nil {
		return nil, err
	}
	if b.Len > f.Left {
		b = b.Slice(0, f.Left)
	}
	f.Left -= b.Len
	return b, nil
}

func (f *First) Close() { f.In.Close() }
