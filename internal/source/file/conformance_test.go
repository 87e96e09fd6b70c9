package file

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"bluetrail/internal/source"
	"bluetrail/internal/source/sourcetest"
)

func TestConformance(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.Case {
		dir, n := t.TempDir(), 0
		put := func(t *testing.T, name, text string) {
			n++
			write(t, filepath.Join(dir, fmt.Sprint(n), name), []byte(text))
		}
		return sourcetest.Case{
			Open: func(t *testing.T) (source.Source, func() error) {
				w, err := NewWalk([]string{dir}, WalkOptions{})
				if err != nil {
					t.Fatal(err)
				}
				return w, nil
			},
			Put:     func(t *testing.T, name string, records []string) { put(t, name, strings.Join(records, "\n")) },
			Break:   func(t *testing.T, name string) { put(t, name, "\x1f\x8bno gzip") },
			Forgets: true,
		}
	})
}
