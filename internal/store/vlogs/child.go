package vlogs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"bluetrail/internal/tally"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// checkEnv makes this program read the partitions in the folder that it names,
// and exit. On damaged files the engine may end its process or try to allocate
// all memory, so a process with other work must not read them.
const checkEnv = "BLUETRAIL_CHECK_PARTITIONS"

// bigEnv is the store's folder, which holds the large records beside the
// partitions.
const bigEnv = "BLUETRAIL_CHECK_STORE"

// childMemory limits the memory of the reading process.
const childMemory = 2 << 30

func init() {
	if dir := os.Getenv(checkEnv); dir != "" {
		os.Exit(checkChild(dir, os.Getenv(bigEnv)))
	}
}

// readRow is what the child reports for one day and index.
type readRow struct {
	Day    tally.Day
	Index  string
	Events int64
	Sum    uint64
}

// checkChild reads every row of the partitions in dir and writes what it counted.
func checkChild(dir, big string) int {
	syscall.Umask(0o077)
	limit := syscall.Rlimit{Cur: childMemory, Max: childMemory}
	if err := syscall.Setrlimit(syscall.RLIMIT_DATA, &limit); err != nil {
		fmt.Fprintln(os.Stderr, "cannot limit memory:", err)
		return 1
	}
	debug.SetMemoryLimit(childMemory / 2)
	if err := setup(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s := &Store{dir: big, db: openEngine(dir)}
	ts, err := s.readAll(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	rows := []readRow{}
	for k, t := range ts {
		rows = append(rows, readRow{k.Day, k.Index, t.Events, t.Sum})
	}
	s.db.MustClose()
	if err := json.NewEncoder(os.Stdout).Encode(rows); err != nil {
		return 1
	}
	return 0
}

// readAll reads every column of every row and counts them.
func (s *Store) readAll(ctx context.Context) (tally.Tallies, error) {
	q, err := logstorage.ParseQuery("*")
	if err != nil {
		return nil, err
	}
	return s.count(ctx, q)
}

// count counts the rows of a query by day and index.
func (s *Store) count(ctx context.Context, q *logstorage.Query) (tally.Tallies, error) {
	ts := tally.Tallies{}
	err := s.each(ctx, q, func(e Stored) { ts.Add(tally.Key{Day: e.Day, Index: e.Index}, e.ID) })
	return ts, err
}

// each calls yield for the rows of a query, one at a time.
func (s *Store) each(ctx context.Context, q *logstorage.Query, yield func(Stored)) error {
	var mu sync.Mutex
	return s.blocks(ctx, tenants, q, func(_ int, db *logstorage.DataBlock) error {
		mu.Lock()
		defer mu.Unlock()
		for i := range db.RowsCount() {
			row, err := s.stored(db, i)
			if err != nil {
				return err
			}
			yield(row)
		}
		return nil
	})
}

// readInChild reads partitions in child processes. It returns the reasons why
// some of them cannot be read, and the counts of the others.
func (s *Store) readInChild(days []string) (bad map[string]string, read tally.Tallies, err error) {
	bad, read = map[string]string{}, tally.Tallies{}
	if len(days) == 0 {
		return bad, read, nil
	}
	ts, reason, err := s.runChild(days)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case reason == "":
		read.Merge(ts)
	case len(days) == 1:
		bad[days[0]] = reason
	default: // find out which one failed
		for _, half := range [][]string{days[:len(days)/2], days[len(days)/2:]} {
			b, r, err := s.readInChild(half)
			if err != nil {
				return nil, nil, err
			}
			for day, reason := range b {
				bad[day] = reason
			}
			read.Merge(r)
		}
	}
	return bad, read, nil
}

// checkPrefix begins the names of folders that child processes read.
const checkPrefix = "check-"

// runChild starts one process on hard links to the partitions' files, so that
// nothing it does affects the store.
func (s *Store) runChild(days []string) (ts tally.Tallies, reason string, err error) {
	dir, err := os.MkdirTemp(s.dir, checkPrefix)
	if err != nil {
		return nil, "", fmt.Errorf("cannot check partitions: %w", err)
	}
	defer os.RemoveAll(dir)
	for _, day := range days {
		from, to := filepath.Join(s.dir, engineDir, "partitions", day), filepath.Join(dir, "partitions", day)
		if err := linkTree(from, to); err != nil {
			return nil, "", fmt.Errorf("cannot check partition %s: %w", day, err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, "", fmt.Errorf("cannot check partitions: %w", err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), checkEnv+"="+dir, bigEnv+"="+s.dir, "GOTRACEBACK=none")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runErr := cmd.Run()
	if runErr != nil && cmd.ProcessState == nil {
		return nil, "", fmt.Errorf("cannot check partitions: %w", runErr)
	}
	if runErr != nil {
		return nil, childReason(stderr.String(), runErr), nil
	}
	var rows []readRow
	if err := json.Unmarshal(stdout.Bytes(), &rows); err != nil {
		return nil, "", fmt.Errorf("cannot check partitions: %w", err)
	}
	ts = tally.Tallies{}
	counted := map[string]int64{}
	for _, r := range rows {
		ts.Merge(tally.Tallies{{Day: r.Day, Index: r.Index}: {Events: r.Events, Sum: r.Sum}})
		counted[r.Day.Time().Format(dayLayout)] += r.Events
	}
	for _, day := range days {
		if want := s.manifest.days()[day]; counted[day] < want {
			return nil, fmt.Sprintf("only %d of %d events could be read", counted[day], want), nil
		}
	}
	return ts, "", nil
}

// childReason reduces the output of a failed child to one line.
func childReason(stderr string, err error) string {
	for line := range strings.Lines(stderr) {
		if strings.Contains(line, "panic") || strings.Contains(line, "fatal") || strings.Contains(line, "FATAL") || strings.Contains(line, "cannot") {
			if i := strings.LastIndex(line, "\t"); i >= 0 {
				line = line[i+1:]
			}
			line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "panic:"))
			return "cannot be read: " + line[:min(len(line), 300)]
		}
	}
	return "cannot be read: " + err.Error()
}

// linkTree makes a folder of hard links to the files of another.
func linkTree(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			err = linkTree(filepath.Join(from, e.Name()), filepath.Join(to, e.Name()))
		} else {
			err = os.Link(filepath.Join(from, e.Name()), filepath.Join(to, e.Name()))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// openEngine opens the engine's folder.
func openEngine(dir string) *logstorage.Storage {
	return logstorage.MustOpenStorage(dir, &logstorage.StorageConfig{
		Retention:       keepFor,
		FutureRetention: keepFor,
		MaxBackfillAge:  keepFor,
		FlushInterval:   time.Minute, // Sync flushes sooner
	})
}
