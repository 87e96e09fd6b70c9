// Package leftover makes files that lie in a data directory for as long as their
// process needs them, and removes those whose process was killed.
package leftover

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
)

// Create makes a file as os.CreateTemp does and locks it until it is closed, or
// the process ends, however that happens.
func Create(dir, pattern string) (*os.File, error) {
	for range 100 {
		f, err := os.CreateTemp(dir, pattern)
		if err != nil {
			return nil, err
		}
		if err := lock(f); err != nil {
			f.Close()
			return nil, fmt.Errorf("cannot lock %q: %w", f.Name(), err)
		}
		if _, err := os.Stat(f.Name()); err == nil {
			return f, nil
		}
		f.Close() // another process took it for a leftover before it was locked
	}
	return nil, errors.New("a cleaner removes temporary files as soon as they are created")
}

func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// folders are those of a data directory in which Replace makes files.
var folders = [][]string{{"knowledge", "lookups"}, {"lists"}, {"facts"}, {"events"}, {"events", "big"}}

// unfinished are files that Replace began to write: .NAME.PID.N.tmp.
var unfinished = regexp.MustCompile(`^\..+\.(\d+)\.\d+\.tmp$`)

// Remove removes from a data directory what killed processes left, and returns
// the paths.
func Remove(data string) (removed []string, err error) {
	collected, err := filepath.Glob(filepath.Join(data, "collect", "*.json"))
	if err != nil {
		return nil, err
	}
	for _, path := range collected {
		gone, err := removeUnlocked(path)
		if err != nil {
			return removed, err
		}
		if gone {
			removed = append(removed, path)
		}
	}
	gone, err := removeSnapshot(data)
	if gone {
		removed = append(removed, filepath.Join(data, SnapshotDir))
	}
	if err != nil {
		return removed, err
	}
	for _, names := range folders {
		gone, err := removeUnfinished(filepath.Join(append([]string{data}, names...)...))
		removed = append(removed, gone...)
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// removeUnfinished removes what dead processes began to write in a folder.
func removeUnfinished(dir string) (removed []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot look for leftovers: %w", err)
	}
	for _, e := range entries {
		m := unfinished.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		if pid, err := strconv.Atoi(m[1]); err != nil || pid == os.Getpid() || syscall.Kill(pid, 0) != syscall.ESRCH {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return removed, fmt.Errorf("cannot remove a leftover: %w", err)
		}
		removed = append(removed, path)
	}
	return removed, nil
}

// removeUnlocked removes a file that no process has locked.
func removeUnlocked(path string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("cannot look for leftovers: %w", err)
	}
	defer f.Close()
	if lock(f) != nil {
		return false, nil // its process lives
	}
	if err := os.Remove(path); err != nil {
		return false, fmt.Errorf("cannot remove a leftover: %w", err)
	}
	return true, nil
}
