package spill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"bluetrail/internal/vector"
)

type row struct {
	key float64
	was int
}

// byKey orders rows by k.
var byKey = Order[float64]{
	Keys: func(b *vector.Batch) []float64 {
		keys := make([]float64, b.Len)
		b.Col("k").Nums(keys)
		return keys
	},
	Compare: func(a, b *float64) int { return cmp.Compare(*a, *b) },
}

func batchOf(rows []row) *vector.Batch {
	b := vector.NewBuilder()
	for _, r := range rows {
		b.Add()
		b.Set("k", vector.Float(r.key))
		b.Set("was", vector.Int(r.was))
		b.Set("text", vector.String(fmt.Sprint("row ", r.was)))
	}
	return b.Batch()
}

func TestMergedRowsAreInOrder(t *testing.T) {
	ctx := context.Background()
	for _, runs := range []int{0, 1, 3, most, most + 1, unread + most + 5} {
		dir := t.TempDir()
		space := NewSpace(dir, 1<<30)
		rs := &Runs[float64]{Order: byKey, Space: space}
		rnd := rand.New(rand.NewPCG(1, uint64(runs)))
		var want []row
		for range runs {
			var rows []row
			for range rnd.IntN(3000) {
				rows = append(rows, row{key: float64(rnd.IntN(500))})
			}
			slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.key, b.key) })
			for i := range rows {
				rows[i].was = len(want) + i
			}
			want = append(want, rows...)
			err := rs.Add(ctx, func(f *File) error {
				b := batchOf(rows)
				for i := range b.Len {
					if err := f.Add(b, i); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		slices.SortStableFunc(want, func(a, b row) int { return cmp.Compare(a.key, b.key) })
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("files have names: %v", left)
		}
		inMemory, last := 0, row{key: 1000, was: len(want)}
		if runs > 0 {
			rs.Hold(func() (*vector.Batch, error) {
				if inMemory++; inMemory > 1 {
					return nil, io.EOF
				}
				return batchOf([]row{last}), nil
			})
			want = append(want, last)
		}
		m, err := rs.Merge(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if inMemory > 0 {
			t.Errorf("%d runs: the rows in memory went to disk", runs)
		}
		var got []row
		for {
			b, err := m.Next(ctx)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range b.Len {
				k, _ := b.Col("k").Num(i)
				was, _ := b.Col("was").Num(i)
				if text := b.Col("text").At(i).Text(); text != fmt.Sprint("row ", int(was)) {
					t.Fatalf("text %q of row %v", text, was)
				}
				got = append(got, row{k, int(was)})
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d runs: %d rows, want %d in order", runs, len(got), len(want))
		}
		if used := space.Used(); used != 0 {
			t.Errorf("%d runs: %d bytes are still taken", runs, used)
		}
	}
}

func TestSpaceIsBounded(t *testing.T) {
	space := NewSpace(t.TempDir(), 200<<10)
	f, err := space.Create()
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 10<<10)
	written := 0
	for range 100 {
		for i := range noise {
			noise[i] = byte(rand.Uint32())
		}
		if err = f.Write(&vector.Batch{Len: 1, Cols: []*vector.Column{vector.Constant("x", vector.String(string(noise)))}}); err != nil {
			break
		}
		written++
	}
	if full := new(Full); !errors.As(err, &full) {
		t.Errorf("1,000 KiB in a space of 200: %v", err)
	}
	if err := f.Write(&vector.Batch{Len: 1}); err == nil {
		t.Error("a file without room takes more in")
	}
	read := 0
	for {
		if _, err := f.Next(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		read++
	}
	if read != written+1 {
		t.Errorf("read %d batches of %d and the one that did not fit", read, written)
	}
	f.Close()
	if used := space.Used(); used != 0 {
		t.Errorf("%d bytes are still taken", used)
	}
	if _, err := NewSpace("/does/not/exist", 1<<20).Create(); err == nil {
		t.Error("a file in a folder that is not there")
	}
}

// TestLargeBlocksAreMergedFewAtATime merges runs of rows of 3 MB: their blocks are not in
// memory all at once, and rows with equal keys keep their order.
func TestLargeBlocksAreMergedFewAtATime(t *testing.T) {
	ctx := context.Background()
	space := NewSpace(t.TempDir(), 1<<30)
	rs := &Runs[float64]{Order: byKey, Space: space}
	const runs = 12
	large := strings.Repeat("x", 3<<20)
	for n := range runs {
		b := &vector.Batch{Len: 1, Cols: []*vector.Column{
			vector.Constant("k", vector.Int(n%2)), vector.Constant("was", vector.Int(n)), vector.Constant("text", vector.String(large)),
		}}
		if err := rs.Add(ctx, func(f *File) error { return f.Write(b) }); err != nil {
			t.Fatal(err)
		}
	}
	m, err := rs.Merge(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if blocks := len(m.runs); blocks > mergeBytes/len(large) {
		t.Errorf("%d blocks of %d bytes are read beside each other", blocks, len(large))
	}
	var got []int
	for {
		b, err := m.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len {
			was, _ := b.Col("was").Num(i)
			if text := b.At("text", i).Text(); text != large {
				t.Fatalf("row %v has a text of %d bytes", was, len(text))
			}
			got = append(got, int(was))
		}
	}
	if want := []int{0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11}; !slices.Equal(got, want) {
		t.Errorf("rows %v, want %v", got, want)
	}
}

// TestWrittenFilesHoldNoBuffers writes files with values of 150 kB: none of them has a
// buffer while it waits to be read.
func TestWrittenFilesHoldNoBuffers(t *testing.T) {
	space := NewSpace(t.TempDir(), 1<<30)
	b := &vector.Batch{Len: 1, Cols: []*vector.Column{vector.Constant("x", vector.String(strings.Repeat("y", 150000)))}}
	for range 3 {
		f, err := space.Create()
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Add(b, 0); err != nil {
			t.Fatal(err)
		}
		if f.buf != nil || f.rows.Len() != 0 {
			t.Errorf("a buffer of %d bytes and %d rows are held", cap(f.buf), f.rows.Len())
		}
		defer f.Close()
	}
}
