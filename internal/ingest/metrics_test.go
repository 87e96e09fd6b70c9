package ingest

import (
	"context"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/source"

	"github.com/VictoriaMetrics/metrics"
)

// TestMetricsOfSource: events, files and the age of the newest event count for
// their source, whose name may be anything; an event from the future is not newer
// than the time at which it came.
func TestMetricsOfSource(t *testing.T) {
	came := time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC) // see messages
	for name, c := range map[string]struct {
		ingest, scrape time.Time
		age            string
	}{
		"past":   {came.Add(time.Hour), came.Add(2 * time.Hour), "7200"},
		"future": {came.Add(-time.Hour), came.Add(-time.Hour / 2), "1800"},
	} {
		t.Run(name, func(t *testing.T) {
			now := c.ingest
			p := openPipeline(t, Config{Data: t.TempDir(), Clock: func() time.Time { return now }})
			defer p.Close()
			f, acks := make(feed, 2), make(chan source.Result, 2)
			f <- messages("a", 10, acks)
			f <- messages("b", 5, acks)
			close(f)
			if _, err := p.Run(context.Background(), f, RunOptions{Source: "a\"b\\c\nd\xff"}); err != nil {
				t.Fatal(err)
			}
			set := metrics.NewSet()
			p.Measure(set, func(err error) { t.Error(err) })
			now = c.scrape
			var out strings.Builder
			set.WritePrometheus(&out)
			label := `{source="a\"b\\c\nd` + "\uFFFD" + `"} `
			for _, want := range []string{
				"bluetrail_ingest_events_total" + label + "15",
				"bluetrail_ingest_files_total" + label + "2",
				"bluetrail_ingest_newest_event_age_seconds" + label + c.age,
				"bluetrail_ingest_batch_events 0",
			} {
				if !strings.Contains(out.String(), want+"\n") {
					t.Errorf("no %q in\n%s", want, out.String())
				}
			}
		})
	}
}
