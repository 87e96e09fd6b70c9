package knowledge

import (
	"io/fs"
	"sync"
	"time"

	"bluetrail/internal/lookup"
)

// CacheBytes bounds what the tables that a process keeps for further searches take in
// memory. The largest table fits.
const CacheBytes = maxTable

// Tables are lookup tables that were read, kept for further searches until their files
// change. Those that were used last stay. Tables is safe for concurrent use, also by
// several Knowledges. A table that a search still uses counts in the memory of that
// search as well.
type Tables struct {
	limit int

	mu    sync.Mutex
	list  map[string]*cached
	bytes int
	clock uint64 // counts uses
}

// cached is a table that was read, good as long as its file is the same.
type cached struct {
	table *lookup.Table
	size  int64
	mod   time.Time
	used  uint64
}

// NewTables returns an empty cache of limit bytes.
func NewTables(limit int) *Tables { return &Tables{limit: limit, list: map[string]*cached{}} }

// Bytes reports what the tables take.
func (c *Tables) Bytes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

// get returns the table of a key, nil when there is none of the file as it is.
func (c *Tables) get(key string, info fs.FileInfo) *lookup.Table {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.list[key]
	if e == nil {
		return nil
	}
	if e.size != info.Size() || !e.mod.Equal(info.ModTime()) {
		c.drop(key)
		return nil
	}
	c.clock++
	e.used = c.clock
	return e.table
}

// put keeps a table, and drops those that were not used for longest until all are
// within the limit.
func (c *Tables) put(key string, t *lookup.Table, info fs.FileInfo) {
	if t.Bytes > c.limit {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(key)
	for c.bytes+t.Bytes > c.limit {
		oldest := ""
		for key, e := range c.list {
			if oldest == "" || e.used < c.list[oldest].used {
				oldest = key
			}
		}
		c.drop(oldest)
	}
	c.clock++
	c.list[key] = &cached{t, info.Size(), info.ModTime(), c.clock}
	c.bytes += t.Bytes
}

func (c *Tables) drop(key string) {
	if e := c.list[key]; e != nil {
		delete(c.list, key)
		c.bytes -= e.table.Bytes
	}
}
