package vlogs

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// BenchmarkCondensed runs searches three ways: with the engine counting, row by
// row, and as the engine's own query. BLUETRAIL_DATA names a data directory to
// use instead of a small store.
func BenchmarkCondensed(b *testing.B) {
	var st *Store
	if dir := os.Getenv("BLUETRAIL_DATA"); dir == "" {
		_, st = both(b, testRecords(b, 4))
	} else {
		var err error
		if st, err = Open(filepath.Join(dir, "events"), Options{ReadOnly: true}); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { st.Close() })
	}
	for _, c := range []struct{ name, search, engine string }{
		{"eventName", "* | stats count by eventName", "* | stats by (eventName) count()"},
		{"sourceIPAddress", "* | stats count by sourceIPAddress", "* | stats by (sourceIPAddress) count()"},
		{"arn", "* | stats count by userIdentity.arn", "* | stats by (userIdentity.arn) count()"},
		{"user", "* | stats count by user", "* | stats by (user) count()"},
		{"accessKeyId", "* | top userIdentity.accessKeyId", "* | stats by (userIdentity.accessKeyId) count() n | sort by (n desc) limit 10"},
		{"timechart", "* | timechart span=1h count by eventSource", "* | stats by (_time:1h, eventSource) count()"},
		{"dc", "* | stats dc(eventName) values(sourceIPAddress) by userIdentity.arn", "* | stats by (userIdentity.arn) count_uniq(eventName), uniq_values(sourceIPAddress)"},
	} {
		for _, way := range []struct {
			name string
			st   store.Store
		}{{"counted", st}, {"rows", plain{st}}} {
			b.Run(c.name+"/"+way.name, func(b *testing.B) {
				for b.Loop() {
					s := open(b, way.st, c.search, time.UTC)
					if err := exec.Drain(ctx, s, func(*vector.Batch) error { return nil }); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(c.name+"/engine", func(b *testing.B) {
			for b.Loop() {
				q, err := logstorage.ParseQuery(c.engine)
				if err != nil {
					b.Fatal(err)
				}
				qctx := logstorage.NewQueryContext(ctx, &logstorage.QueryStats{}, []logstorage.TenantID{ordinary}, q, false, nil)
				if err := st.db.RunQuery(qctx, func(uint, *logstorage.DataBlock) {}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
