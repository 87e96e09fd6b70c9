package op

import (
	"context"
	"io"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// Chain hands out the rows of one operator after the other.
type Chain struct{ Parts []exec.Operator }

func (c *Chain) Next(ctx context.Context) (*vector.Batch, error) {
	for len(c.Parts) > 0 {
		b, err := c.Parts[0].Next(ctx)
		if err != io.EOF {
			return b, err
		}
		c.Parts[0].Close()
		c.Parts = c.Parts[1:]
	}
	return nil, io.EOF
}

// Pending opens its operator when the first row is asked for.
type Pending struct {
	Open func(context.Context) (exec.Operator, error)
	op   exec.Operator
}

func (l *Pending) Next(ctx context.Context) (*vector.Batch, error) {
	if l.op == nil {
		op, err := l.Open(ctx)
		if err != nil {
			return nil, err
		}
		l.op = op
	}
	return l.op.Next(ctx)
}

func (l *Pending) Close() {
	if l.op != nil {
		l.op.Close()
	}
}

func (c *Chain) Close() {
	for _, p := range c.Parts {
		p.Close()
	}
	c.Parts = nil
}
