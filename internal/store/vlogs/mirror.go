package vlogs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// mirrorPrefix begins the names of folders that mirror read-only stores. The
// engine writes even when it only answers searches.
const mirrorPrefix = "bluetrail-mirror-"

// writable reports whether files can be created in a directory.
func writable(dir string) bool {
	const write = 2
	return syscall.Access(dir, write) == nil
}

// mirror creates a temporary folder with links to the parts of a store. The
// engine's writes and deletions stay in that folder.
func mirror(dir string) (string, error) {
	if err := removeMirrors(); err != nil {
		return "", err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("cannot mirror a read-only store: %w", err)
	}
	to, err := os.MkdirTemp("", mirrorPrefix)
	if err != nil {
		return "", fmt.Errorf("cannot mirror a read-only store: %w", err)
	}
	if err := symlinkTree(dir, to); err != nil {
		return "", errors.Join(fmt.Errorf("cannot mirror a read-only store: %w", err), os.RemoveAll(to))
	}
	return to, nil
}

// symlinkTree links or copies the files of a folder, except locks and files
// that searches do not need.
func symlinkTree(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		src, dst := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		switch name := e.Name(); {
		case name == lockFile, name == "flock.lock", name == crashFile, name == asideDir, name == "snapshots",
			strings.HasPrefix(name, checkPrefix), strings.HasPrefix(name, removedPrefix):
		case e.IsDir():
			if err := os.Mkdir(dst, 0o700); err != nil {
				return err
			}
			if err := symlinkTree(src, dst); err != nil {
				return err
			}
		case name == "parts.json" || filepath.Base(filepath.Dir(src)) != bigDir && !strings.Contains(src, engineDir+"/partitions/"):
			data, err := os.ReadFile(src) // the engine takes a linked parts.json for a folder, and writes to the other files
			if err == nil {
				err = os.WriteFile(dst, data, 0o600)
			}
			if err != nil {
				return err
			}
		default:
			if err := os.Symlink(src, dst); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeMirrors removes mirrors whose process was killed.
func removeMirrors() error {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), mirrorPrefix+"*", lockFile))
	if err != nil {
		return err
	}
	for _, path := range left {
		f, err := os.Open(path)
		if err != nil {
			continue // owned by someone else, or just removed
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			err = os.RemoveAll(filepath.Dir(path))
		}
		f.Close()
		if err != nil && !errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("cannot remove leftovers of a killed search: %w", err)
		}
	}
	return nil
}
