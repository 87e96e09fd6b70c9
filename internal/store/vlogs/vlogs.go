// Package vlogs keeps events in VictoriaLogs' storage engine, inside the
// process. See ../DESIGN.md for what a row holds and how searches are answered.
package vlogs

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/store"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// Store is the embedded store of one data directory. Only one process may have
// a directory open.
type Store struct {
	dir  string
	db   *logstorage.Storage
	lock *os.File

	mu   sync.Mutex
	days map[string]bool // partitions that were written to since the last Sync
}

var _ store.Store = (*Store)(nil)

// memory is what the engine may use for its caches.
const memory = "256MiB"

var setup = sync.OnceValue(func() error {
	log.SetOutput(quiet{}) // a library of the engine notes harmless things there
	if !flag.Parsed() {
		if err := flag.CommandLine.Parse(nil); err != nil {
			return err
		}
	}
	for name, value := range map[string]string{"memory.allowedBytes": memory, "loggerLevel": "ERROR", "loggerOutput": "stderr"} {
		if err := flag.Set(name, value); err != nil {
			return fmt.Errorf("cannot set up the storage engine: %w", err)
		}
	}
	return nil
})

// quiet passes on what libraries log, less what is only for information.
type quiet struct{}

func (quiet) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("INFO:")) {
		return len(p), nil
	}
	return os.Stderr.Write(p)
}

// Open opens the store in dir, which is made when it is not there. A directory
// that another process has open is an error that names the process.
func Open(dir string) (*Store, error) {
	if err := setup(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make data directory: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	db := logstorage.MustOpenStorage(filepath.Join(dir, "victorialogs"), &logstorage.StorageConfig{
		Retention:       200 * 365 * 24 * time.Hour,
		FutureRetention: futureSpan,
		MaxBackfillAge:  200 * 365 * 24 * time.Hour,
		FlushInterval:   5 * time.Second,
	})
	return &Store{dir: dir, db: db, lock: lock, days: map[string]bool{}}, nil
}

func lockDir(dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot open data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		owner, _ := os.ReadFile(path)
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("the data directory %q is in use by process %s; wait for it to end, or stop it", dir, strings.TrimSpace(string(owner)))
		}
		return nil, fmt.Errorf("cannot lock data directory %q: %w", dir, err)
	}
	if err := f.Truncate(0); err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		if err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.db.MustClose()
	return s.lock.Close()
}

func (s *Store) touch(days map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for d := range days {
		s.days[d] = true
	}
}

// Sync makes everything that was flushed durable: the engine writes a partition
// out in full when a snapshot of it is made.
func (s *Store) Sync() error {
	s.mu.Lock()
	days := s.days
	s.days = map[string]bool{}
	s.mu.Unlock()
	for d := range days {
		path, err := s.db.PartitionSnapshotCreate(d)
		if err != nil {
			return err
		}
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("cannot remove snapshot: %w", err)
		}
	}
	return nil
}

// Info describes the store for people.
type Info struct {
	Events      uint64
	Bytes       uint64 // on disk
	Raw         uint64 // of the rows before compression, as the engine counts
	Days        int
	Engine      string
	First, Last time.Time
}

// Info counts what is stored.
func (s *Store) Info() Info {
	var st logstorage.StorageStats
	s.db.UpdateStats(&st)
	parts := s.db.PartitionList()
	info := Info{
		Events: st.RowsCount(), Days: len(parts), Engine: "VictoriaLogs 1.43.1 (embedded)",
		Bytes: st.CompressedInmemorySize + st.CompressedSmallPartSize + st.CompressedBigPartSize + st.IndexdbSizeBytes,
		Raw:   st.UncompressedInmemorySize + st.UncompressedSmallPartSize + st.UncompressedBigPartSize,
	}
	for i, p := range parts {
		if t, err := time.Parse("20060102", p); err == nil {
			if i == 0 || t.Before(info.First) {
				info.First = t
			}
			if t.After(info.Last) {
				info.Last = t
			}
		}
	}
	return info
}

// Merge rewrites the partitions into as few parts as possible.
func (s *Store) Merge() { s.db.MustForceMerge("") }

// IDsSince calls yield for the identity of every event that came in a batch
// after the given one, in unix milliseconds: what an ingest that was cut off
// left behind.
func (s *Store) IDsSince(ctx context.Context, batch int64, yield func(id [16]byte, ns int64)) error {
	s.db.DebugFlush()
	q, err := logstorage.ParseQuery(fmt.Sprintf("%s:>%d | fields _time, %s, %s, %s, %s", batchColumn, batch, rawColumn, idColumn, bigColumn, trueTime))
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var failed error
	qctx := logstorage.NewQueryContext(ctx, &logstorage.QueryStats{}, []logstorage.TenantID{{}}, q, false, nil)
	err = s.db.RunQuery(qctx, func(_ uint, db *logstorage.DataBlock) {
		mu.Lock()
		defer mu.Unlock()
		times, _ := db.GetTimestamps(nil)
		val := func(name string, i int) string {
			if c := db.GetColumnByName(name); c != nil {
				return c.Values[i]
			}
			return ""
		}
		for i := range db.RowsCount() {
			raw := []byte(val(rawColumn, i))
			if big := val(bigColumn, i); big != "" {
				if raw, err = s.readBig(big); err != nil {
					failed = err
					return
				}
			}
			ns := times[i]
			if t := val(trueTime, i); t != "" {
				ns, _ = strconv.ParseInt(t, 10, 64)
			}
			id, ok := event.ID(raw)
			if h := val(idColumn, i); h != "" {
				_, err := hex.Decode(id[:], []byte(h))
				ok = err == nil
			}
			if ok {
				yield(id, ns)
			}
		}
	})
	return errors.Join(err, failed)
}

func (s *Store) readBig(name string) ([]byte, error) {
	if name != filepath.Base(name) {
		return nil, fmt.Errorf("bad name %q of a large record", name)
	}
	return os.ReadFile(filepath.Join(s.dir, "big", name))
}
