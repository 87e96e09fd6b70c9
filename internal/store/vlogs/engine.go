package vlogs

import (
	"flag"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	_ "bluetrail/internal/store/vlogs/logfilter" // must precede the engine

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// cacheMemory limits the engine's memory for its caches and for rows that are
// not on disk yet.
const cacheMemory = "256MiB"

// keepFor keeps everything. The engine would delete older rows, and also rows
// too far in the future, judged by a clock that may be wrong.
const keepFor = 200 * 365 * 24 * time.Hour

// setup configures the engine through the process's flags, its only interface.
var setup = sync.OnceValue(func() error {
	if !flag.Parsed() {
		if err := flag.CommandLine.Parse(nil); err != nil {
			return err
		}
	}
	for name, value := range map[string]string{"memory.allowedBytes": cacheMemory, "loggerLevel": "ERROR"} {
		if err := flag.Set(name, value); err != nil {
			return fmt.Errorf("cannot set up the storage engine: %w", err)
		}
	}
	return nil
})

// engineName returns the engine's name and built-in version, for people.
func engineName() string {
	const module = "github.com/VictoriaMetrics/VictoriaLogs"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == module {
				return "VictoriaLogs " + strings.TrimPrefix(dep.Version, "v") + " (embedded)"
			}
		}
	}
	return "VictoriaLogs (embedded)"
}

// Tenants separate the kinds of rows; filtering by tenant is free.
var (
	// ordinary rows are fully described by their columns, as far as columns go.
	ordinary = logstorage.TenantID{ProjectID: 0}
	// partial rows list in restColumn the leaves that have no column; their
	// other columns work as in ordinary rows.
	partial = logstorage.TenantID{ProjectID: 3}
	// odd rows have no leaf columns. Searches read their records.
	odd = logstorage.TenantID{ProjectID: 1}
	// displaced rows are odd and stored at a time other than their own.
	displaced = logstorage.TenantID{ProjectID: 2}
)
