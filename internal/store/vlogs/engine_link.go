package vlogs

import (
	"bytes"
	"sync"
	_ "unsafe" // for the linknames of engine variables
)

// An engine goroutine that ends early does not release what it holds: the lock
// of the log that it is writing to, and its slot among the concurrent workers.

//go:linkname logMutex github.com/VictoriaMetrics/VictoriaMetrics/lib/logger.mu
var logMutex sync.Mutex

//go:linkname searching github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage.partitionSearchConcurrencyLimitCh
var searching chan struct{}

//go:linkname mergingInMemory github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage.inmemoryPartsConcurrencyCh
var mergingInMemory chan struct{}

//go:linkname mergingSmall github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage.smallPartsConcurrencyCh
var mergingSmall chan struct{}

//go:linkname mergingBig github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage.bigPartsConcurrencyCh
var mergingBig chan struct{}

//go:linkname mergingIndexInMemory github.com/VictoriaMetrics/VictoriaMetrics/lib/mergeset.inmemoryPartsConcurrencyCh
var mergingIndexInMemory chan struct{}

//go:linkname mergingIndexFiles github.com/VictoriaMetrics/VictoriaMetrics/lib/mergeset.filePartsConcurrencyCh
var mergingIndexFiles chan struct{}

// places are the worker slots held by a goroutine with a given function on its
// stack.
var places = []struct {
	function string
	of       *chan struct{}
}{
	{"logstorage.(*partition).search(", &searching},
	{"logstorage.(*datadb).inmemoryPartsMerger(", &mergingInMemory},
	{"logstorage.(*datadb).mustMergePartsToFiles.", &mergingInMemory},
	{"logstorage.(*datadb).smallPartsMerger(", &mergingSmall},
	{"logstorage.(*datadb).bigPartsMerger(", &mergingBig},
	{"logstorage.(*datadb).mustForceMergeAllParts.", &mergingBig},
	{"mergeset.(*Table).filePartsMerger(", &mergingIndexFiles},
	{"mergeset.(*Table).", &mergingIndexInMemory}, // all others
}

// canEnd reports whether the calling goroutine, which is writing to the engine's
// log, can end alone.
func canEnd() bool {
	if logMutex.TryLock() { // the log is not being written
		logMutex.Unlock()
		return false
	}
	for _, p := range places {
		if *p.of == nil {
			return false
		}
	}
	return true
}

// giveBack releases what the goroutine with the given stack holds.
func giveBack(stack []byte) {
	logMutex.Unlock()
	for _, p := range places {
		if bytes.Contains(stack, []byte(p.function)) {
			select {
			case <-*p.of:
			default:
			}
			return
		}
	}
}
