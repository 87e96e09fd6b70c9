package plan

import (
	"sync"

	"bluetrail/internal/spl"
	"bluetrail/internal/spl/cmd"
)

// formats are the fieldformat commands that hold for the result of a search.
// Those of a foreach join while the search runs.
type formats struct {
	mu   sync.Mutex
	list []*cmd.Fieldformat
}

// of notes the formats among the commands of a search; a new table ends those
// before it.
func (f *formats) of(stages []spl.Command) {
	for _, c := range stages {
		if _, ok := c.(spl.Transforming); ok && isTransforming(c) {
			f.list = nil
		}
		f.join(c)
	}
}

// join notes a command if it is a format.
func (f *formats) join(c spl.Command) {
	if format, ok := c.(*cmd.Fieldformat); ok {
		f.mu.Lock()
		f.list = append(f.list[:len(f.list):len(f.list)], format)
		f.mu.Unlock()
	}
}

// held returns the formats so far; the slice must not be changed.
func (f *formats) held() []*cmd.Fieldformat {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.list
}
