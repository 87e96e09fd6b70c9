package findings

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/filter"
	"bluetrail/internal/state"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// many returns a state with 10,000 alerts of 50 rules.
func many(b *testing.B) *state.DB {
	b.Helper()
	db, err := state.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	err = db.Write(func(tx *state.Tx) error {
		for i := range 10_000 {
			at := begin.Add(time.Duration(i) * time.Minute)
			a := &alert.Alert{
				ID: alert.ID("r", "e", fmt.Sprint(i)), Created: at, Updated: at, Status: alert.New, Severity: rule.Severities[i%5], RuleID: fmt.Sprint("r", i%50), Rule: fmt.Sprint("Rule ", i%50),
				Title: "Access key created for another user", Entity: fmt.Sprintf("arn:aws:iam::111122223333:user/u%d", i%700), Account: finding.Values{"111122223333"}, Count: 3, First: at, Last: at, FindingCount: 1,
				Summary: "The IAM user u in account 111122223333 created an access key for bob (CreateAccessKey) from 198.51.100.7 in eu-west-1 at 10:00:00 UTC on 5 Jan 2026.",
				Around:  make([]alert.Around, 20), EventIDs: make([]string, 30), NextSteps: []string{"index=* actor=alice | stats count by eventName"},
			}
			body, err := json.Marshal(a)
			if err == nil {
				row := a.Row()
				if err = tx.PutAlert(row); err == nil {
					err = tx.PutAlertBody(a.ID, body)
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// BenchmarkAlerts lists, filters and groups 10,000 alerts: as the verb does it, and as a
// search of index=_alerts reads them.
func BenchmarkAlerts(b *testing.B) {
	db := many(b)
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			n, byRule, text := map[string]int{}, filter.Wildcard("Rule *", false), 0
			err := db.Alerts(b.Context(), state.AlertQuery{Severity: rule.Medium.Rank(), Status: []string{"new", "in_progress"}}, func(a *state.Alert) error {
				if byRule(a.Name) {
					n[a.Entity]++
				}
				text += len(a.Summary)
				return nil
			})
			if err != nil || len(n) != 420 {
				b.Fatal(len(n), err)
			}
		}
	})
	b.Run("search", func(b *testing.B) {
		st := NewBeside(events{}, db)
		for b.Loop() {
			q := &store.Query{Filter: &filter.Everything{}, Fields: filter.Fields("rule", "severity", "_time"), Earliest: math.MinInt64, Latest: math.MaxInt64, Now: begin}
			scan, err := st.own[1].Prepare(q)
			if err != nil {
				b.Fatal(err)
			}
			n := map[string]int{}
			err = scan.Run(context.Background(), func(_ int, batch *vector.Batch) error {
				for i := range batch.Len {
					n[batch.At("rule", i).Text()+batch.At("severity", i).Text()]++
				}
				return nil
			})
			if err != nil || len(n) != 50 {
				b.Fatal(len(n), err)
			}
		}
	})
}
