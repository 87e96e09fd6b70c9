package actors_test

import (
	"testing"
	"time"

	"bluetrail/internal/search"
)

// BenchmarkSearch measures what the fields cost: the time of a search with one against
// the same search by a field of the record.
func BenchmarkSearch(b *testing.B) {
	records := trail(b)
	for name, st := range stores(b, records) {
		b.Run(name, func(b *testing.B) {
			var plain, actor, session time.Duration
			measure := func(sum *time.Duration, text string) {
				start := time.Now()
				rows(b, search.Options{Text: text, Store: st})
				*sum += time.Since(start)
			}
			for b.Loop() {
				measure(&plain, "* | stats count by userIdentity.arn")
				measure(&actor, "* | stats count by actor")
				measure(&session, "* | stats count by session_id")
			}
			b.ReportMetric(float64(actor)/float64(plain), "actor/arn")
			b.ReportMetric(float64(session)/float64(plain), "session/arn")
		})
	}
}
