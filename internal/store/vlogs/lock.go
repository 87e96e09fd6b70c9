package vlogs

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const lockFile = "lock"

// dirLock locks a directory twice: the file that names the process, and the
// directory itself, whose lock survives if someone deletes the file.
type dirLock struct{ file, dir *os.File }

// Close unlocks.
func (l *dirLock) Close() error { return errors.Join(l.file.Close(), l.dir.Close()) }

// lockDir locks a data directory for this process and waits up to wait for
// another process to release it. The lock ends with the process, however it
// ends.
func lockDir(dir string, wait time.Duration) (_ *dirLock, err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open data directory: %w", err)
	}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	path := filepath.Join(dir, lockFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open data directory: %w", err)
	}
	for until := time.Now().Add(wait); ; time.Sleep(20 * time.Millisecond) {
		// Some network file systems cannot lock directories.
		if err = syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); !errors.Is(err, syscall.EWOULDBLOCK) {
			err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(until) {
			break
		}
	}
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		owner, _ := os.ReadFile(path)
		f.Close()
		return nil, fmt.Errorf("the data directory %q is in use by process %s; wait for it to end, or stop it", dir, cmp.Or(strings.TrimSpace(string(owner)), unknownOwner))
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("cannot lock data directory %q: %w", dir, err)
	}
	pid := strconv.Itoa(os.Getpid()) + "\n"
	if err = f.Truncate(0); err == nil {
		_, err = f.WriteAt([]byte(pid), 0)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot lock data directory %q: %w", dir, err)
	}
	return &dirLock{f, d}, nil
}

// unknownOwner stands for a process that the lock file does not name.
const unknownOwner = "unknown"

// Owner returns the process that has the store in dir open, or "" if none has.
func Owner(dir string) string {
	path := filepath.Join(dir, lockFile)
	if !locked(path) && !locked(dir) {
		return ""
	}
	owner, err := os.ReadFile(path)
	if pid := strings.TrimSpace(string(owner)); err == nil && pid != "" {
		return pid
	}
	return unknownOwner
}

// locked reports whether another process has locked a file or directory.
func locked(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	return errors.Is(err, syscall.EWOULDBLOCK)
}
