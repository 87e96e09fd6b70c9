package vlogs

import (
	"flag"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	_ "bluetrail/internal/store/vlogs/logfilter" // before the engine

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// cacheMemory is what the engine may use for its caches and for rows that are not on
// disk yet.
const cacheMemory = "256MiB"

// keepFor keeps everything: the engine deletes what is older, and also what
// lies further in the future, by a clock that may be wrong.
const keepFor = 200 * 365 * 24 * time.Hour

// setup prepares the engine, which is set by the flags of the process.
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

// engineName names the engine with the version that this program was built with,
// for people.
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

// Rows are told apart by tenants, which searches name at no cost.
var (
	// ordinary rows are told in full by their columns, as far as those go.
	ordinary = logstorage.TenantID{ProjectID: 0}
	// partial rows name in restColumn the leaves that have no column; their other
	// columns tell what ordinary ones do.
	partial = logstorage.TenantID{ProjectID: 3}
	// odd rows have none of the columns of leaves. They are answered from their
	// records.
	odd = logstorage.TenantID{ProjectID: 1}
	// displaced rows are odd and lie at another time than their own.
	displaced = logstorage.TenantID{ProjectID: 2}
)
