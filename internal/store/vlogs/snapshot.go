package vlogs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Snapshot links the store's files into a folder that does not exist yet and lies on the
// same file system. The folder becomes a store of its own with all rows that were synced.
// No rows may be added or removed while it runs; searches and merges may go on.
// The returned function completes the folder's list of parts, for which it reads parts
// that merges made since the last commit. Rows may be added again meanwhile.
func (s *Store) Snapshot(to string) (complete func() error, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot make a snapshot of the store: %w", err)
		}
	}()
	if err := s.Sync(); err != nil {
		return nil, err
	}
	partitions := filepath.Join(to, engineDir, "partitions")
	if err := os.MkdirAll(partitions, 0o700); err != nil {
		return nil, err
	}
	var days []string
	err = s.guard(func() error {
		for _, day := range s.db.PartitionList() {
			for _, path := range s.db.PartitionSnapshotMustCreate(day) {
				if err := os.Rename(path, filepath.Join(partitions, day)); err != nil {
					return errors.Join(err, os.RemoveAll(path))
				}
			}
			days = append(days, day)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, name := range []string{formatFile, columnsFile} {
		if err := copyFile(filepath.Join(s.dir, name), filepath.Join(to, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if err := linkFiles(filepath.Join(s.dir, bigDir), filepath.Join(to, bigDir)); err != nil {
		return nil, err
	}
	known := &manifest{parts: map[string]partEntry{}}
	s.manifestMu.Lock()
	for key, e := range s.manifest.parts {
		known.parts[key] = e
	}
	s.manifestMu.Unlock()
	return func() error {
		listed := &manifest{parts: map[string]partEntry{}}
		for _, day := range days {
			if _, err := known.update(partitions, day); err != nil {
				return fmt.Errorf("cannot list the parts of a snapshot: %w", err)
			}
		}
		for key, e := range known.parts {
			if _, err := os.Stat(filepath.Join(partitions, key)); err == nil {
				listed.parts[key] = e
			}
		}
		return listed.save(to)
	}, nil
}

// linkFiles links the files of a folder, which need not exist, into a new one.
func linkFiles(from, to string) error {
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = os.Mkdir(to, 0o700)
	}
	for _, e := range entries {
		if err == nil && e.Type().IsRegular() && filepath.Ext(e.Name()) != ".tmp" {
			err = os.Link(filepath.Join(from, e.Name()), filepath.Join(to, e.Name()))
		}
	}
	return err
}

func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(dst, src); err != nil {
		dst.Close()
		return err
	}
	return dst.Close()
}
