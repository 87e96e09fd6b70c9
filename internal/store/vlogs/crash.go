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

// The engine panics in its own goroutines over damaged files and failed writes,
// which nothing can recover from. It writes a line to its log first. There the
// goroutine ends alone if it only reads, see survive; else the process ends in
// words. The store's folder keeps them for the next start.

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
	opened.Lock() // and never unlocked: the process ends
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

// watchCrash has the words of a crash kept in the store's folder until the store
// is closed. It returns what the last process said, "" when it did not crash.
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
		logger.SetOutputForTests(engineLog{}) // there is no other way in
		opened.dirs = map[string]*Store{}
	}
	opened.dirs[dir] = s
	return last, nil
}

// storeOf returns the open store that a text of the engine's is about.
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

// armCrash begins to keep the words of crashes that the engine's log does not
// tell, once the store was checked.
func armCrash(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, crashFile), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("cannot watch for crashes: %w", err)
	}
	defer f.Close() // the runtime has its own
	return debug.SetCrashOutput(f, debug.CrashOptions{})
}

// leaveMark makes the next start check the whole store.
func (s *Store) leaveMark(reason string) error {
	if err := os.WriteFile(filepath.Join(s.dir, crashFile), []byte(reason+"\n"), 0o600); err != nil {
		return fmt.Errorf("cannot note damage: %w", err)
	}
	return nil
}

// damageMark is the mark of damage that the engine did not meet.
const damageMark = "damage was found"

// keptLocks are locks that end with the process.
var keptLocks struct {
	sync.Mutex
	locks []*dirLock
}

// keepLock keeps the store locked until the process ends.
func (s *Store) keepLock() {
	keptLocks.Lock()
	defer keptLocks.Unlock()
	keptLocks.locks = append(keptLocks.locks, s.lock) // not closed by the garbage collector
}

// unwatchCrash is for a store that is closed.
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
