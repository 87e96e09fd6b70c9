package logfilter

import (
	"bytes"
	"fmt"
	"testing"
)

func TestFilter(t *testing.T) {
	var out bytes.Buffer
	f := filter{&out}
	for _, line := range []string{"2026/01/02 03:04:05 INFO: nothing of note\n", "2026/01/02 03:04:05 the disk is on fire\n"} {
		if n, err := fmt.Fprint(f, line); n != len(line) || err != nil {
			t.Fatalf("wrote %d bytes of %q: %v", n, line, err)
		}
	}
	if got, want := out.String(), "2026/01/02 03:04:05 the disk is on fire\n"; got != want {
		t.Errorf("passed on %q, want %q", got, want)
	}
}
