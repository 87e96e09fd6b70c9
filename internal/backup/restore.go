package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// Damage is a file of a backup that is not what was written.
type Damage struct{ Backup, Path, Reason string }

// String returns the damage as one line.
func (d Damage) String() string { return fmt.Sprintf("%s: %s: %s", d.Backup, d.Path, d.Reason) }

// inode identifies a file that several backups share.
type inode struct{ dev, ino uint64 }

// Verify reads all files of the named backups and compares them with their manifests. A
// file that several backups share is read once. A manifest that cannot be read is damage, too.
func Verify(ctx context.Context, dir string, names []string, meter *Meter) (good []Head, bad []Damage, err error) {
	read := map[inode]string{}
	for _, name := range names {
		m, err := load(filepath.Join(dir, name))
		if err != nil {
			bad = append(bad, Damage{name, manifestFile, err.Error()})
			continue
		}
		meter.total.Add(m.Bytes)
		before := len(bad)
		for _, f := range m.List {
			reason, err := check(ctx, filepath.Join(dir, name, dataDir, filepath.FromSlash(f.Path)), f, read, meter)
			if err != nil {
				return good, bad, err
			}
			if reason != "" {
				bad = append(bad, Damage{name, f.Path, reason})
			}
		}
		if len(bad) == before {
			good = append(good, m.Head)
		}
	}
	return good, bad, nil
}

// check returns what is wrong with a file, "" = nothing.
func check(ctx context.Context, path string, want File, read map[inode]string, meter *Meter) (reason string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return err.Error(), ctx.Err()
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return err.Error(), nil
	case !info.Mode().IsRegular():
		return "it is no file", nil
	case info.Size() != want.Size:
		return fmt.Sprintf("it has %d bytes instead of %d", info.Size(), want.Size), nil
	}
	var id inode
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		id = inode{uint64(st.Dev), st.Ino}
	}
	sum, known := read[id]
	if known {
		meter.done.Add(want.Size)
	} else {
		if sum, err = transfer(ctx, io.Discard, f, meter); ctx.Err() != nil {
			return "", ctx.Err()
		}
		if err != nil {
			return err.Error(), nil
		}
		read[id] = sum
	}
	if sum != want.SHA256 {
		return "its content is not what was written", nil
	}
	return "", nil
}

// Find returns the path of a backup: the newest one in a folder of backups, the one that
// is named, or the folder itself.
func Find(dir, name string) (string, error) {
	if _, err := os.Stat(filepath.Join(dir, manifestFile)); err == nil && name == "" {
		return dir, nil
	}
	names, err := Names(dir)
	if err != nil {
		return "", err
	}
	if len(names) == 0 {
		return "", fmt.Errorf("there are no backups in %q", dir)
	}
	if name == "" {
		name = names[len(names)-1]
	}
	if !slices.Contains(names, name) {
		return "", fmt.Errorf("there is no backup %q in %q; the newest is %s", name, dir, names[len(names)-1])
	}
	return filepath.Join(dir, name), nil
}

// Describe reads what a backup is.
func Describe(path string) (Head, error) {
	m, err := load(path)
	if err != nil {
		return Head{}, err
	}
	return m.Head, nil
}

// restoring is the folder in a new data directory for what is not complete.
const restoring = ".restoring"

// Restore copies a backup into a new or empty folder and checks the hashes on the way.
// Nothing is in place before all of it is.
func Restore(ctx context.Context, path, data string, meter *Meter) (err error) {
	m, err := load(path)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot restore into %q: %w", data, err)
	}
	for _, e := range entries {
		if e.Name() != restoring && e.Name() != "lost+found" {
			return fmt.Errorf("%q is not empty; name a new or an empty folder", data)
		}
	}
	meter.total.Add(m.Bytes)
	tmp := filepath.Join(data, restoring)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("cannot restore into %q: %w", data, err), os.RemoveAll(tmp))
		}
	}()
	if err := os.RemoveAll(tmp); err != nil { // of a restore that was killed
		return err
	}
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		return err
	}
	for _, f := range m.List {
		if err := restoreFile(ctx, filepath.Join(path, dataDir, filepath.FromSlash(f.Path)), filepath.Join(tmp, filepath.FromSlash(f.Path)), f, meter); err != nil {
			return err
		}
	}
	if err := syncTree(tmp); err != nil {
		return err
	}
	made, err := os.ReadDir(tmp)
	if err != nil {
		return err
	}
	// The state goes last: without it the directory is not used.
	slices.SortStableFunc(made, func(a, b os.DirEntry) int {
		switch {
		case a.Name() == StateFile:
			return 1
		case b.Name() == StateFile:
			return -1
		}
		return 0
	})
	for _, e := range made {
		if err := os.Rename(filepath.Join(tmp, e.Name()), filepath.Join(data, e.Name())); err != nil {
			return err
		}
	}
	return errors.Join(os.Remove(tmp), syncDir(data))
}

// wayOut is what to do about a damaged backup.
const wayOut = "bluetrail backup --verify lists all such files, and --at names an older backup"

func restoreFile(ctx context.Context, from, to string, want File, meter *Meter) error {
	src, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("the backup is damaged: %w; %s", err, wayOut)
	}
	defer src.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	sum, err := copyFile(ctx, to, src, time.Unix(0, want.Changed), meter)
	if err != nil {
		return err
	}
	if sum != want.SHA256 {
		return fmt.Errorf("the backup is damaged: the content of %s is not what was written; %s", want.Path, wayOut)
	}
	return nil
}
