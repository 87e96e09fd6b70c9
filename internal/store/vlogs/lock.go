package vlogs

import (
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

// lockDir locks a data directory for this process, waiting for another one up
// to wait. The lock goes with the process, however it ends.
func lockDir(dir string, wait time.Duration) (*os.File, error) {
	path := filepath.Join(dir, lockFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open data directory: %w", err)
	}
	for until := time.Now().Add(wait); ; time.Sleep(20 * time.Millisecond) {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(until) {
			break
		}
	}
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		owner, _ := os.ReadFile(path)
		f.Close()
		return nil, fmt.Errorf("the data directory %q is in use by process %s; wait for it to end, or stop it", dir, strings.TrimSpace(string(owner)))
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
	return f, nil
}

// Owner returns the process that has the store in dir open, "" when none has.
func Owner(dir string) string {
	path := filepath.Join(dir, lockFile)
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return ""
	}
	owner, err := os.ReadFile(path)
	if pid := strings.TrimSpace(string(owner)); err == nil && pid != "" {
		return pid
	}
	return "unknown"
}
