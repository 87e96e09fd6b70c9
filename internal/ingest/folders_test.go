package ingest

import (
	"path/filepath"
	"testing"

	"bluetrail/internal/diag"
	"bluetrail/internal/state"
)

// TestFolderProblems: the problem of a folder goes when the folder can be read again.
func TestFolderProblems(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, "trail.json")
	write(t, path, `{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-000000000001","eventTime":"2026-01-05T08:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject"}`)
	gone := filepath.Join(dir, "gone")
	db, err := state.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Commit(state.Checkpoint{}, nil, []diag.Notice{diag.Unreadable(dir, "permission denied"), diag.Unreadable(gone, "permission denied")}, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	if sum, err := Run(ctx, Options{Data: data, Paths: []string{dir}}); err != nil || sum.Events != 1 {
		t.Fatal(sum, err)
	}
	if db, err = state.Open(data); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if list, total, err := db.Problems(10); err != nil || total != 1 || list[0].Object != gone {
		t.Errorf("problems %+v, %v", list, err)
	}
}
