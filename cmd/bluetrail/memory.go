package main

import "runtime/debug"

// Buffers of rows come and go by the tens of megabytes while events are taken in.
// The collector works less below memoryLimit and harder above it.
const (
	memoryLimit = 640 << 20
	gcPercent   = 250
)

// tuneMemory sets the collector for an ingest in this process, which has no other
// work, and returns what undoes that.
func tuneMemory() (undo func()) {
	limit, percent := debug.SetMemoryLimit(memoryLimit), debug.SetGCPercent(gcPercent)
	return func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	}
}
