package vlogs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"

	"bluetrail/internal/diag"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/logger"
)

// On damaged files and failed writes the engine panics in its own goroutines,
// where nothing can recover. It writes a line to its log first. At that point a
// goroutine that only reads ends alone, see survive; otherwise the process
// exits with a message. The store's folder keeps the message for the next
// start.

// opened are the folders of open stores.
var opened struct {
	sync.Mutex
	dirs map[string]*Store
}

// engineLog is the engine's log.
type engineLog struct{}

// Write implements io.Writer.
func (engineLog) Write(line []byte) (int, error) {
	fields := bytes.SplitN(line, []byte("\t"), 4) // time, level, place in the code, message
	if len(fields) < 4 || string(fields[1]) != "panic" && string(fields[1]) != "fatal" {
		return os.Stderr.Write(line)
	}
	text := strings.TrimSpace(string(fields[3]))
	text = strings.TrimPrefix(strings.TrimPrefix(text, "FATAL: "), "BUG: ")
	text, _, _ = strings.Cut(text[:min(len(text), 2000)], "\n")
	if string(fields[1]) == "panic" && survive(text) {
		return len(line), nil
	}
	opened.Lock() // never unlocked: the process ends
	for dir := range opened.dirs {
		os.WriteFile(filepath.Join(dir, crashFile), []byte(text+"\n"), 0o600)
	}
	text = diag.Printable(text)
	fmt.Fprintf(os.Stderr, "error: the storage engine had to stop: %s\n", text)
	if len(opened.dirs) > 0 {
		fmt.Fprintln(os.Stderr, "hint: run the command again; it checks the whole store first and sets damaged days aside")
	}
	os.Exit(1)
	return 0, nil
}

// watchCrash keeps crash messages in the store's folder until the store is
// closed. It returns the previous process's message, "" if it did not crash.
func watchCrash(s *Store) (last string, err error) {
	dir := s.dir
	path := filepath.Join(dir, crashFile)
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("cannot determine whether the last process crashed: %w", err)
	}
	last, _, _ = strings.Cut(string(data), "\n")
	if len(data) > 0 && last == "" {
		last = "unknown"
	}
	opened.Lock()
	defer opened.Unlock()
	if opened.dirs == nil {
		logger.SetOutputForTests(engineLog{}) // the engine offers no other way
		opened.dirs = map[string]*Store{}
	}
	opened.dirs[dir] = s
	return last, nil
}

// storeOf returns the open store that an engine message is about.
func storeOf(text string) *Store {
	opened.Lock()
	defer opened.Unlock()
	for dir, s := range opened.dirs {
		if strings.Contains(text, filepath.Join(dir, engineDir)+string(filepath.Separator)) {
			return s
		}
	}
	return nil
}

// armCrash starts keeping messages of crashes that do not appear in the
// engine's log, once the store has been checked.
func armCrash(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, crashFile), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("cannot watch for crashes: %w", err)
	}
	defer f.Close() // the runtime has its own handle
	return debug.SetCrashOutput(f, debug.CrashOptions{})
}

// leaveMark makes the next start check the whole store.
func (s *Store) leaveMark(reason string) error {
	if err := os.WriteFile(filepath.Join(s.dir, crashFile), []byte(reason+"\n"), 0o600); err != nil {
		return fmt.Errorf("cannot note damage: %w", err)
	}
	return nil
}

// damageMark marks damage that the engine itself did not meet.
const damageMark = "damage was found"

// keptLocks are locks that are held until the process ends.
var keptLocks struct {
	sync.Mutex
	locks []*dirLock
}

// keepLock keeps the store locked until the process ends.
func (s *Store) keepLock() {
	keptLocks.Lock()
	defer keptLocks.Unlock()
	keptLocks.locks = append(keptLocks.locks, s.lock) // keeps the garbage collector from closing it
}

// unwatchCrash undoes watchCrash when a store is closed.
func unwatchCrash(dir string) error {
	opened.Lock()
	defer opened.Unlock()
	delete(opened.dirs, dir)
	err := debug.SetCrashOutput(nil, debug.CrashOptions{})
	if rerr := os.Remove(filepath.Join(dir, crashFile)); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	return err
}
