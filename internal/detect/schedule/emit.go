package schedule

import (
	"context"
	"encoding/json"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/state"
)

// Keep is an Emitter that keeps findings in the state.
type Keep struct{}

// Emit implements Emitter.
func (Keep) Emit(_ context.Context, t *state.Tx, _ *state.Run, list []*finding.Finding, gone []string) error {
	rows := make([]state.Finding, len(list))
	for i, f := range list {
		body, err := json.Marshal(f)
		if err != nil {
			return err
		}
		rows[i] = state.Finding{
			ID: f.ID, Time: f.Time.UnixNano(), Rule: f.RuleID, Severity: f.Severity.Rank(), Entity: f.Entity, First: f.First.UnixNano(), Last: f.Last.UnixNano(), Body: body,
		}
	}
	if err := t.DropFindings(gone); err != nil {
		return err
	}
	return t.PutFindings(rows)
}
