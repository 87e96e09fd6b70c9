package leftover

import (
	"fmt"
	"os"
	"path/filepath"
)

// SnapshotDir is the folder of a data directory that holds links to its files while a
// backup runs.
const SnapshotDir = ".backup"

const snapshotLock = "lock"

// Hold makes an empty SnapshotDir in a data directory and locks it until the returned file
// is closed.
func Hold(data string) (_ *os.File, err error) {
	if _, err := removeSnapshot(data); err != nil {
		return nil, err
	}
	dir := filepath.Join(data, SnapshotDir)
	if err := os.Mkdir(dir, 0o700); err != nil {
		if os.IsExist(err) {
			return nil, fmt.Errorf("a backup of %q is under way; wait for it to end", data)
		}
		return nil, fmt.Errorf("cannot prepare a backup: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, snapshotLock), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot prepare a backup: %w", err)
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("a backup of %q is under way; wait for it to end", data)
	}
	return f, nil
}

// removeSnapshot removes the SnapshotDir of a process that was killed.
func removeSnapshot(data string) (removed bool, err error) {
	dir := filepath.Join(data, SnapshotDir)
	f, err := os.Open(filepath.Join(dir, snapshotLock))
	switch {
	case os.IsNotExist(err): // killed before or while it was locked
		if _, err := os.Stat(dir); err != nil {
			return false, nil
		}
	case err != nil:
		return false, fmt.Errorf("cannot look for leftovers: %w", err)
	default:
		defer f.Close()
		if lock(f) != nil {
			return false, nil // its process lives
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return false, fmt.Errorf("cannot remove a leftover: %w", err)
	}
	return true, nil
}
