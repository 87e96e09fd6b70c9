package vlogs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// deleteTasksFile is the engine's list of pending deletions.
const deleteTasksFile = "delete_tasks.json"

// mend repairs what a killed process can leave in the engine's directory. The
// engine does not start if it had only begun to create a partition, and it
// keeps the files of snapshots forever. mend also removes the engine's list of
// deletions: retention requests unfinished ones again, and with a damaged list
// the engine would fail to start or delete the wrong rows.
func mend(dir string) error {
	partitions, err := os.ReadDir(filepath.Join(dir, "partitions"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot check the store: %w", err)
	}
	if err := os.Remove(filepath.Join(dir, deleteTasksFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot repair the store: %w", err)
	}
	if err := removeLeft(filepath.Dir(dir)); err != nil {
		return err
	}
	for _, p := range partitions {
		path := filepath.Join(dir, "partitions", p.Name())
		remove := filepath.Join(path, "snapshots")
		begun, err := onlyBegun(path)
		if err != nil {
			return fmt.Errorf("cannot check the store: %w", err)
		}
		if begun {
			remove = path
		}
		if err := os.RemoveAll(remove); err != nil {
			return fmt.Errorf("cannot repair the store: %w", err)
		}
	}
	return nil
}

// onlyBegun reports whether a partition has no list of its parts, and no parts.
func onlyBegun(partition string) (bool, error) {
	entries, err := os.ReadDir(filepath.Join(partition, "datadb"))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil // rows are written later
	}
	for _, e := range entries {
		if e.IsDir() || e.Name() == "parts.json" {
			return false, err
		}
	}
	return err == nil, err
}

// removeLeft removes leftovers of killed processes that were checking or
// deleting partitions.
func removeLeft(dir string) error {
	for _, prefix := range []string{checkPrefix, removedPrefix} {
		left, err := filepath.Glob(filepath.Join(dir, prefix+"*"))
		if err != nil {
			return fmt.Errorf("cannot check the store: %w", err)
		}
		for _, path := range left {
			if err := os.RemoveAll(path); err != nil {
				return fmt.Errorf("cannot repair the store: %w", err)
			}
		}
	}
	return nil
}
