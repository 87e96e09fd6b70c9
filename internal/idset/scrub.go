package idset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Scrub rereads runs of the set in a directory, which may be open, and compares
// their checksums. turn selects the runs by file name; wait is called after
// every n bytes read. A damaged part is reported and marked, so that the next
// Check reports it. Logs are skipped: they change, are small, and are read
// completely when they are used.
func Scrub(dir string, turn func(name string) bool, wait func(n int) error, report func(Damage)) error {
	s := &Set{dir: dir, readOnly: true, onDisk: map[string][]int{}}
	if err := s.open(); err != nil {
		return fmt.Errorf("cannot open the known ids: %w", err)
	}
	for name, seqs := range s.onDisk {
		b := s.part(name)
		for _, seq := range seqs {
			path := b.runPath(seq)
			if !turn(filepath.Base(path)) {
				continue
			}
			err := verifyRun(path, b.shape, wait)
			if _, gone := os.Stat(path); errors.Is(err, fs.ErrNotExist) || errors.Is(gone, fs.ErrNotExist) {
				continue // it was merged into another
			}
			if errors.Is(err, ErrDamaged) {
				report(Damage{name, err.Error()})
				err = os.WriteFile(filepath.Join(dir, name+markSuffix), nil, 0o600)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// verifyPiece is how many entries are read at a time.
const verifyPiece = 4096

// verifyRun reads a run.
func verifyRun(path string, s shape, wait func(n int) error) error {
	r, err := openRun(path, s)
	if err != nil {
		return err
	}
	defer r.close()
	c := r.cursor()
	for n := 1; ; n++ {
		more, err := c.next()
		if err != nil || !more {
			return err
		}
		if n%verifyPiece == 0 {
			if err := wait(verifyPiece * int(s)); err != nil {
				return err
			}
		}
	}
}
