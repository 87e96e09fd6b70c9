package job

import (
	"context"
	"time"

	"bluetrail/internal/search"
	"bluetrail/internal/vector"
)

// The first preview is made after previewAfter. Each later one waits until the
// search has taken previewGrowth times as long, so that all of them together
// take a third of the time at most.
const (
	previewAfter  = 700 * time.Millisecond
	previewGrowth = 4
	previewRows   = 1000
)

// previews makes results over the events that the search has read already, the
// newest ones, until ctx ends.
func (j *Job) previews(ctx context.Context) {
	for wait := previewAfter; ; wait *= previewGrowth {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		since := j.tap.done.Load()
		if share := j.tap.share(); share <= 0 || share >= 1 {
			continue
		}
		t, err := j.previewSince(ctx, since)
		if err != nil || ctx.Err() != nil {
			continue // the search itself says what is wrong
		}
		j.update(func() {
			if j.state == Running && j.rows.rows == 0 {
				j.preview = t
			}
		})
	}
}

func (j *Job) previewSince(ctx context.Context, since int64) (*Table, error) {
	t := &Table{Since: time.Unix(0, since)}
	err := j.beside(ctx, j.Ask.Search, "", "", &tap{floor: since}, func(s *search.Search) error {
		rows := 0
		err := s.Each(ctx, func(b *vector.Batch) error {
			if rows+b.Len > previewRows {
				b = b.Slice(0, previewRows-rows)
			}
			rows += b.Len
			t.Batches = append(t.Batches, b)
			t.Columns = union(t.Columns, b)
			if rows == previewRows {
				return errEnough
			}
			return nil
		})
		if err == errEnough {
			return nil
		}
		return err
	})
	return t, err
}

// union adds the columns of b to names.
func union(names []string, b *vector.Batch) []string {
	known := map[string]bool{}
	for _, n := range names {
		known[n] = true
	}
	for _, c := range b.Cols {
		if !known[c.Name] {
			names = append(names, c.Name)
		}
	}
	return names
}
