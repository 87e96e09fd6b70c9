package plan

import (
	"context"
	"sync"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// formats are the fieldformat commands that apply to the result of a search.
// Those inside a foreach are added while the search runs.
type formats struct {
	mu   sync.Mutex
	list []formatting
}

// of collects the formats among the commands of a search. A command that makes
// a new table discards the formats before it.
func (f *formats) of(stages []syntax.Command) {
	for _, c := range stages {
		if _, ok := c.(exec.Transforming); ok && isTransforming(c) {
			f.list = nil
		}
		f.join(c)
	}
}

// join adds a command if it is a format.
func (f *formats) join(c syntax.Command) {
	if format, ok := c.(formatting); ok {
		f.mu.Lock()
		f.list = append(f.list[:len(f.list):len(f.list)], format)
		f.mu.Unlock()
	}
}

// held returns the formats so far; the slice must not be changed.
func (f *formats) held() []formatting {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.list
}

// newFormatted returns the rows of in with the formats applied; the last format
// of a field wins. It calls formats for every batch, since commands may add
// some while they run.
func newFormatted(env *exec.Env, in exec.Operator, formats func() []formatting) exec.Operator {
	return &formatted{env: env, in: in, formats: formats, progs: map[formatting]*expr.Program{}}
}

type formatted struct {
	env     *exec.Env
	in      exec.Operator
	formats func() []formatting
	progs   map[formatting]*expr.Program
}

func (f *formatted) Close() { f.in.Close() }

func (f *formatted) Next(ctx context.Context) (*vector.Batch, error) {
	b, err := f.in.Next(ctx)
	if err != nil {
		return nil, err
	}
	var cols []*vector.Column
	for _, c := range f.formats() {
		field, shown := c.Format()
		if b.Col(field) == nil {
			continue
		}
		prog := f.progs[c]
		if prog == nil {
			if prog, err = expr.Compile(shown, f.env); err != nil {
				return nil, err
			}
			f.progs[c] = prog
		}
		vals := make([]vector.Value, b.Len)
		for i := range vals {
			if vals[i] = prog.Value(b, i); vals[i].Kind() == vector.Bool {
				vals[i] = vector.String(vals[i].Text())
			}
		}
		cols = append(cols, vector.NewColumn(field, vals))
	}
	if len(cols) == 0 {
		return b, nil
	}
	return b.With(cols...), nil
}
