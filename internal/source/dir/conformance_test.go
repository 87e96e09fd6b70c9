package dir

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/source"
	"bluetrail/internal/source/sourcetest"
)

func TestConformance(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.Case {
		dir, n := t.TempDir(), 0
		write := func(t *testing.T, name, text string) {
			t.Helper()
			n++
			below := filepath.Join(dir, fmt.Sprint(n)) // in the order in which they are put
			if err := os.Mkdir(below, 0o700); err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(below, name), text, time.Hour)
		}
		return sourcetest.Case{
			Open: func(*testing.T) (source.Source, func() error) {
				w := New(Options{Dir: dir, poll: 10 * time.Millisecond})
				return w, func() error { w.Close(); return nil }
			},
			Put:     func(t *testing.T, name string, records []string) { write(t, name, strings.Join(records, "\n")+"\n") },
			Break:   func(t *testing.T, name string) { write(t, name, "\x1f\x8bno gzip") },
			Endless: true,
			Forgets: true,
		}
	})
}
