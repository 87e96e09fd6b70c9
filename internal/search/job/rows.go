package job

import (
	"slices"
	"sync/atomic"

	"bluetrail/internal/spill"
	"bluetrail/internal/vector"
)

// kept are the rows of a job, as batches. What memory cannot hold is on disk. The
// disk may be slow, so that nothing reads or writes it under the lock of the job.
type kept struct {
	all  *atomic.Int64 // bytes in memory of all jobs
	disk *spill.Space  // nil = none

	// Of the goroutine that runs the search, until the job has ended.
	memory int64
	pages  *spill.Pages // nil until it is needed

	// Guarded by the lock of the job.
	blocks  []block
	rows    int
	columns []string
	known   map[string]bool
}

// block is a batch. It does not change.
type block struct {
	first int // the number of its first row
	len   int
	data  []byte       // nil: on disk
	pages *spill.Pages // where page is
	page  int
}

// What rows may take in memory before they go to disk: those of one job, and of
// all.
const (
	jobMemory = 16 << 20
	allMemory = 256 << 20
)

// pack puts a batch where there is room for it.
func (k *kept) pack(b *vector.Batch) (block, error) {
	at := block{len: b.Len}
	if b.Len == 0 {
		return at, nil
	}
	at.data = b.AppendTo(nil)
	size := int64(len(at.data))
	if k.disk == nil || k.memory+size <= jobMemory && k.all.Load()+size <= allMemory {
		k.memory += size
		k.all.Add(size)
		return at, nil
	}
	if k.pages == nil {
		pages, err := k.disk.Pages()
		if err != nil {
			return at, err
		}
		k.pages = pages
	}
	var err error
	at.page, err = k.pages.Write(at.data)
	at.pages, at.data = k.pages, nil
	return at, err
}

// add appends a batch that was packed. The lock is held.
func (k *kept) add(b *vector.Batch, at block) {
	if k.known == nil {
		k.known = map[string]bool{}
	}
	for _, c := range b.Cols {
		if !k.known[c.Name] {
			k.known[c.Name] = true
			k.columns = append(k.columns, c.Name)
		}
	}
	if at.len > 0 {
		at.first = k.rows
		k.blocks = append(k.blocks, at)
		k.rows += at.len
	}
}

// holding returns the block that holds a row. The lock is held.
func (k *kept) holding(row int) (at block, found bool) {
	i, exact := slices.BinarySearchFunc(k.blocks, row, func(b block, row int) int { return b.first - row })
	if !exact {
		i--
	}
	if row >= k.rows || i < 0 {
		return at, false
	}
	return k.blocks[i], true
}

// batch returns the rows of a block.
func (at *block) batch() (*vector.Batch, error) {
	data := at.data
	if data == nil {
		var err error
		if data, err = at.pages.Read(at.page); err != nil {
			return nil, err
		}
	}
	b, _, err := vector.Decode(data)
	return b, err
}

// free gives back what the rows hold, once the search has ended and no reader can
// find a block any more.
func (k *kept) free() {
	k.all.Add(-k.memory)
	k.pages.Close()
	k.memory, k.pages = 0, nil
}
