package knowledge

import (
	"io/fs"
	"sync"
	"time"

	"bluetrail/internal/lookup"
)

// CacheBytes limits the memory of the tables that a process caches for later
// searches. The largest table fits.
const CacheBytes = maxTable

// Tables caches lookup tables for later searches until their files change, and
// evicts the least recently used ones. Tables is safe for concurrent use, also
// by several Knowledges. A table that a search still uses also counts towards
// that search's memory.
type Tables struct {
	limit int

	mu    sync.Mutex
	list  map[string]*cached
	bytes int
	clock uint64 // counts uses
}

// cached is a cached table, valid while its file is unchanged.
type cached struct {
	table *lookup.Table
	size  int64
	mod   time.Time
	used  uint64
}

// NewTables returns an empty cache with a limit in bytes.
func NewTables(limit int) *Tables { return &Tables{limit: limit, list: map[string]*cached{}} }

// Bytes returns the memory of the cached tables.
func (c *Tables) Bytes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

// get returns the table of a key, or nil if none is cached for the current
// file.
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

// put caches a table, and evicts the least recently used ones until all fit in
// the limit.
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
