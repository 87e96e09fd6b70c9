package plan

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync/atomic"

	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// demandedIndexes returns the indexes to which an event must belong, nil when
// the filter does not restrict them.
func demandedIndexes(where filter.Expr) []string {
	names := filter.Demanded(where, event.Index)
	if slices.ContainsFunc(names, func(v string) bool { return strings.Contains(v, "*") }) {
		return nil
	}
	return names
}

// watched is a store whose scans count the rows that they deliver.
type watched struct {
	store.Store
	rows atomic.Int64
	// open: the store does not drop rows of other indexes itself, so a row
	// proves nothing.
	open atomic.Bool
}

func (w *watched) Prepare(q *store.Query) (store.Scan, error) {
	sc, err := w.Store.Prepare(q)
	if err != nil {
		return nil, err
	}
	if r := sc.Residual(); r != nil && demandedIndexes(r) != nil {
		w.open.Store(true)
	}
	return &watchedScan{sc, &w.rows}, nil
}

type watchedScan struct {
	store.Scan
	rows *atomic.Int64
}

func (w *watchedScan) Run(ctx context.Context, emit func(int, *vector.Batch) error) error {
	return w.Scan.Run(ctx, func(worker int, b *vector.Batch) error {
		if b != nil {
			w.rows.Add(int64(b.Len))
		}
		return emit(worker, b)
	})
}

// noIndex warns at the end of a search that read nothing if none of the
// requested indexes exist.
type noIndex struct {
	exec.Operator
	env   *exec.Env
	store *watched
	names []string
	done  bool
}

func (n *noIndex) Next(ctx context.Context) (*vector.Batch, error) {
	b, err := n.Operator.Next(ctx)
	if err == io.EOF && !n.done && (n.store.open.Load() || n.store.rows.Load() == 0) {
		n.done = true
		n.check(ctx)
	}
	return b, err
}

func (n *noIndex) check(ctx context.Context) {
	known, err := n.store.Store.(store.Indexed).Indexes(ctx)
	if err != nil || len(known) == 0 {
		return
	}
	for _, name := range n.names {
		second, _ := filter.Also("index", name)
		if slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) || k == second }) {
			return
		}
	}
	for _, name := range n.names {
		n.env.Warn("there is no index %q (%s)", name, diag.Suggest(name, known, "indexes"))
	}
}
