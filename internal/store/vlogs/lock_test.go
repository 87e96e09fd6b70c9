package vlogs

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// lockEnv names the directory that TestHoldLock locks.
const lockEnv = "BLUETRAIL_TEST_LOCK"

// TestHoldLock is the other process of TestLock.
func TestHoldLock(t *testing.T) {
	dir := os.Getenv(lockEnv)
	if dir == "" {
		t.Skip("runs in a process that TestLock starts")
	}
	if _, err := lockDir(dir, 0); err != nil {
		t.Fatal(err)
	}
	fmt.Println("locked")
	time.Sleep(time.Minute)
}

// holdLock has another process lock a directory.
func holdLock(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestHoldLock$")
	cmd.Env = append(os.Environ(), lockEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == "locked" {
			return cmd
		}
	}
	t.Fatal("the other process does not lock the directory")
	return nil
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	oneEvent(t, dir)
	path := filepath.Join(dir, lockFile)
	opens := func(t *testing.T) {
		t.Helper()
		for _, opts := range []Options{{ReadOnly: true}, {}} {
			st, err := Open(dir, opts)
			if err != nil {
				t.Fatal(err)
			}
			if err := st.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if owner := Owner(dir); owner != "" {
			t.Errorf("process %s has it open", owner)
		}
	}
	t.Run("missing", func(t *testing.T) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		opens(t)
	})
	t.Run("stale", func(t *testing.T) {
		if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		opens(t)
	})
	t.Run("a directory", func(t *testing.T) {
		if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("the error does not name the file: %v", err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		opens(t)
	})
	t.Run("held, then killed", func(t *testing.T) {
		other := holdLock(t, dir)
		pid := strconv.Itoa(other.Process.Pid)
		if _, err := lockDir(dir, 0); err == nil || !strings.Contains(err.Error(), "in use by process "+pid+";") {
			t.Error(err)
		}
		if owner := Owner(dir); owner != pid {
			t.Errorf("process %q has it open, want %s", owner, pid)
		}
		if err := other.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		other.Wait()
		opens(t)
	})
	t.Run("held, file deleted", func(t *testing.T) {
		holdLock(t, dir)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if _, err := lockDir(dir, 0); err == nil || !strings.Contains(err.Error(), "in use by process unknown;") {
			t.Error(err)
		}
		if owner := Owner(dir); owner != "unknown" {
			t.Errorf("process %q has it open", owner)
		}
	})
}
