package dir

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// TestPollsWithoutNotices: where the system does not tell of changes, files are
// found by looking.
func TestPollsWithoutNotices(t *testing.T) {
	for name, notify := range map[string]func() (*fsnotify.Watcher, error){
		"no watcher": func() (*fsnotify.Watcher, error) { return nil, errors.New("too many open files") },
		"folders cannot be added": func() (*fsnotify.Watcher, error) {
			w, err := fsnotify.NewWatcher()
			if err != nil {
				return nil, err
			}
			return w, w.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w := New(Options{Dir: dir, poll: time.Millisecond, notify: notify})
			defer w.Close()
			for n, path := range []string{filepath.Join(dir, "a.json"), filepath.Join(dir, "b.json")} {
				w.look() // so that what comes is new
				put(t, path, line(1, n+1), 3*time.Hour)
				b, err := w.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if got := len(read(t, b)); b.Key != path || got != n+1 {
					t.Errorf("handed out %q with %d records", b.Key, got)
				}
			}
		})
	}
}
