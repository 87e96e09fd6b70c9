package main

import (
	"os"
	"runtime/debug"
	"sync"

	"bluetrail/internal/knowledge"
)

// Buffers of rows come and go by the tens of megabytes while events are taken in,
// and garbage may take as much again as a search holds. The collector works less
// below softLimit and harder above it.
const (
	ingestMemory = 640 << 20
	serveMemory  = ingestMemory + knowledge.CacheBytes
	huntMemory   = 768 << 20 // matches, identities, findings and the state of correlations; see docs/hunt.md
	gcPercent    = 250
	// besideSearch is about what the process needs beside the memory of a search:
	// caches of the store, buffers and batches under way.
	besideSearch = 256 << 20
)

// softLimit is the soft limit of this process: what its standing work needs, and
// the budgets of the searches that run. GOMEMLIMIT goes before it.
var softLimit memoryPolicy

type memoryPolicy struct {
	mu                 sync.Mutex
	users              int
	standing, searches int64
	original           int64 // the limit without users
}

// allow adds to the limit until undo is called.
func (p *memoryPolicy) allow(standing, search int64) (undo func()) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	p.change(1, standing, search)
	return sync.OnceFunc(func() { p.change(-1, -standing, -search) })
}

func (p *memoryPolicy) change(users int, standing, search int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users == 0 {
		p.original = debug.SetMemoryLimit(-1)
	}
	p.users += users
	p.standing += standing
	p.searches += search
	if p.users == 0 {
		debug.SetMemoryLimit(p.original)
		return
	}
	debug.SetMemoryLimit(max(p.standing, besideSearch) + p.searches)
}

// tuneMemory sets the collector for a process that takes events in and has no other
// work but searches, and returns what undoes that.
func tuneMemory(standing int64) (undo func()) {
	end := softLimit.allow(standing, 0)
	percent := debug.SetGCPercent(gcPercent)
	return func() {
		debug.SetGCPercent(percent)
		end()
	}
}
