package job

import (
	"sync/atomic"

	"bluetrail/internal/spill"
	"bluetrail/internal/vector"
)

// kept are the rows of a job, as batches. What memory cannot hold is on disk. It
// is guarded by the lock of its job, but for batches that were returned.
type kept struct {
	blocks []block
	rows   int
	memory int64
	all    *atomic.Int64 // bytes in memory of all jobs
	disk   *spill.Space  // nil = none
	pages  *spill.Pages  // nil until it is needed

	columns []string
	known   map[string]bool
}

type block struct {
	first int // the number of its first row
	len   int
	data  []byte // nil: on disk
	page  int
}

// What rows may take in memory before they go to disk: those of one job, and of
// all.
const (
	jobMemory = 16 << 20
	allMemory = 256 << 20
)

// add appends a batch.
func (k *kept) add(b *vector.Batch) error {
	if k.known == nil {
		k.known = map[string]bool{}
	}
	for _, c := range b.Cols {
		if !k.known[c.Name] {
			k.known[c.Name] = true
			k.columns = append(k.columns, c.Name)
		}
	}
	if b.Len == 0 {
		return nil
	}
	at := block{first: k.rows, len: b.Len, data: b.AppendTo(nil)}
	if size := int64(len(at.data)); k.disk != nil && (k.memory+size > jobMemory || k.all.Load()+size > allMemory) {
		if k.pages == nil {
			pages, err := k.disk.Pages()
			if err != nil {
				return err
			}
			k.pages = pages
		}
		page, err := k.pages.Write(at.data)
		if err != nil {
			return err
		}
		at.data, at.page = nil, page
	} else {
		k.memory += size
		k.all.Add(size)
	}
	k.blocks = append(k.blocks, at)
	k.rows += b.Len
	return nil
}

// batch returns the rows of a block.
func (k *kept) batch(at block) (*vector.Batch, error) {
	data := at.data
	if data == nil {
		var err error
		if data, err = k.pages.Read(at.page); err != nil {
			return nil, err
		}
	}
	b, _, err := vector.Decode(data)
	return b, err
}

// free gives back what the rows hold.
func (k *kept) free() {
	k.all.Add(-k.memory)
	k.pages.Close()
	k.blocks, k.rows, k.memory, k.pages = nil, 0, 0, nil
}
