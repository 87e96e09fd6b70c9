package dir

import (
	"path/filepath"
	"sync"

	"bluetrail/internal/source/file"

	"github.com/fsnotify/fsnotify"
)

// maxWatched bounds how many folders the system is asked to tell of; it grants
// so many to a user. Others are found by looking.
const maxWatched = 4096

// notifier tells that something changed, where the system does: not on network
// file systems, and not beyond its limits. Watch looks from time to time as well.
type notifier struct {
	changed chan struct{}
	fs      *fsnotify.Watcher // nil = the system does not tell
	watched map[string]bool
	gone    sync.WaitGroup
}

func newNotifier(open func() (*fsnotify.Watcher, error)) *notifier {
	n := &notifier{changed: make(chan struct{}, 1), watched: map[string]bool{}}
	fs, err := open()
	if err != nil {
		return n
	}
	n.fs = fs
	n.gone.Go(func() {
		for {
			select {
			case _, ok := <-fs.Events:
				if !ok {
					return
				}
			case _, ok := <-fs.Errors: // events were lost, for instance: look
				if !ok {
					return
				}
			}
			select {
			case n.changed <- struct{}{}:
			default:
			}
		}
	})
	return n
}

// watch asks to be told of changes in dir and in the folders of files.
func (n *notifier) watch(dir string, files []file.File) {
	if n.fs == nil {
		return
	}
	n.add(dir)
	for i := range files {
		n.add(filepath.Dir(files[i].Path))
	}
}

func (n *notifier) add(dir string) {
	if n.watched[dir] || len(n.watched) >= maxWatched {
		return
	}
	n.watched[dir] = true
	if n.fs.Add(dir) != nil {
		return // found by looking
	}
}

func (n *notifier) close() {
	if n.fs != nil {
		n.fs.Close()
		n.gone.Wait()
	}
}
