package main

import (
	"os"
	"strings"
	"testing"
)

// TestPageIsCurrent fails when docs/detections.md is not what the rules say.
func TestPageIsCurrent(t *testing.T) {
	want, err := page(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/detections.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/detections.md is not what the rules say: run make generate")
	}
}

func TestCount(t *testing.T) {
	var out strings.Builder
	if err := count(strings.NewReader(`{"rule":"b"}{"rule":"a","severity":"low"}`+"\n"+`{"rule":"b"}`), &out, "1000", "2"); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "events,1000\ndays,2\nalerting,1\nabove low,0\na,1\nb,2\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if err := count(strings.NewReader(`[1`), &out, "1", "1"); err == nil {
		t.Error("no error for what is no findings")
	}
}
