package vlogs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"bluetrail/internal/tally"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// abandonAfter is how long a failed query may take to end. The failed goroutine
// may hold a lock that is never released.
const abandonAfter = 5 * time.Second

// call is a call into the engine. A panic in its goroutine is recovered. The
// engine's goroutines that work for it end when they are about to panic, see
// engineLog.
type call struct {
	s *Store

	mu     sync.Mutex
	err    error
	failed chan struct{} // closed with the first error
}

// calls are the calls in progress, by calling goroutine.
var calls struct {
	sync.Mutex
	by map[string]*call
}

// run executes the call.
func (c *call) run(f func() error) (err error) {
	id, _ := goroutine()
	calls.Lock()
	if calls.by == nil {
		calls.by = map[string]*call{}
	}
	outer := calls.by[id]
	calls.by[id] = c
	calls.Unlock()
	defer func() {
		r := recover()
		calls.Lock()
		if calls.by[id] = outer; outer == nil {
			delete(calls.by, id)
		}
		calls.Unlock()
		if r != nil && c.failure() == nil { // otherwise it follows from the first failure
			c.fail(fmt.Errorf("the storage engine failed: panic: %v; please report it\n%s", r, debug.Stack()))
		}
		if failed := c.failure(); failed != nil {
			err = failed
		}
	}()
	return f()
}

func (c *call) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
		close(c.failed)
	}
}

func (c *call) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// guard makes a call that is not a query.
func (s *Store) guard(f func() error) error {
	c := &call{s: s, failed: make(chan struct{})}
	return c.run(f)
}

// query runs a query in the engine. An engine panic becomes an error that names
// the damaged days; later queries of those days are refused.
func (s *Store) query(ctx context.Context, of []logstorage.TenantID, q *logstorage.Query, run func(*logstorage.QueryContext) error) error {
	from, to := q.GetFilterTimeRange()
	if err := s.damagedBetween(from, to); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := &call{s: s, failed: make(chan struct{})}
	done := make(chan error, 1)
	go func() {
		done <- c.run(func() error {
			return run(logstorage.NewQueryContext(ctx, &logstorage.QueryStats{}, of, q, false, nil))
		})
	}()
	select {
	case err := <-done:
		return err
	case <-c.failed:
	}
	cancel(c.failure())
	select {
	case <-done:
	case <-time.After(abandonAfter):
	}
	return c.failure()
}

// blocks runs a query and passes its blocks to a callback from several
// goroutines. The callback is not called after blocks returns.
func (s *Store) blocks(ctx context.Context, of []logstorage.TenantID, q *logstorage.Query, block blockFunc) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var ended sync.RWMutex
	err := s.query(ctx, of, q, func(qctx *logstorage.QueryContext) error {
		return s.db.RunQuery(qctx, func(worker uint, db *logstorage.DataBlock) {
			ended.RLock()
			defer ended.RUnlock()
			if ctx.Err() != nil {
				return
			}
			// This runs in an engine goroutine, where a panic would end the
			// process.
			defer func() {
				if r := recover(); r != nil {
					cancel(fmt.Errorf("cannot read the store's answer: panic: %v; please report it\n%s", r, debug.Stack()))
				}
			}()
			if err := block(int(worker), db); err != nil {
				cancel(err)
			}
		})
	})
	cause := context.Cause(ctx)
	cancel(errors.New("the query has ended"))
	ended.Lock() // waits for blocks in progress
	defer ended.Unlock()
	var damage *DamageError
	if cause != nil && !errors.As(err, &damage) {
		return cause
	}
	return err
}

// DamageError reports that an open store is damaged.
type DamageError struct {
	Days   []tally.Day // empty when unknown
	Reason string
}

func (e *DamageError) Error() string {
	which := "some days"
	if len(e.Days) > 0 {
		var names []string
		for i, day := range e.Days {
			if i == maxNamed {
				names = append(names, fmt.Sprintf("%d more", len(e.Days)-i))
				break
			}
			names = append(names, DayName(day))
		}
		which = strings.Join(names, ", ")
	}
	return fmt.Sprintf("cannot read the events of %s, the store is damaged: %s; the next start sets damaged days aside, then bluetrail repair reads their files again", which, e.Reason)
}

// partitionIn finds the day that an engine message is about.
var partitionIn = regexp.MustCompile(`/partitions/([0-9]{8})/`)

// hurt records that the engine failed and its reason.
func (s *Store) hurt(reason string) *DamageError {
	s.failures.Add(1)
	return s.foundDamage(reason)
}

// foundDamage records damage of an open store. Later queries of the day that
// the reason names are refused, since each would fail again.
func (s *Store) foundDamage(reason string) *DamageError {
	full := reason
	reason = strings.ReplaceAll(reason, filepath.Join(s.dir, engineDir, "partitions")+string(filepath.Separator), "")
	s.suspect.Store(true)
	damage := &DamageError{Reason: reason}
	if m := partitionIn.FindStringSubmatch(full); m != nil {
		if at, err := time.Parse(dayLayout, m[1]); err == nil {
			damage.Days = []tally.Day{tally.DayOf(at.UnixNano())}
		}
	}
	if err := s.leaveMark(reason); err != nil {
		damage.Reason += "; " + err.Error()
	}
	s.foundMu.Lock()
	defer s.foundMu.Unlock()
	for _, day := range damage.Days {
		if _, ok := s.found[day]; ok {
			continue
		}
		s.found[day] = reason
		select {
		case s.met <- Damage{Day: day, Rows: s.Counts()[day], Reason: reason}:
		default: // enough reports are waiting
		}
	}
	return damage
}

// maxMet is the number of damage reports that can wait for a reader.
const maxMet = 100

// Met returns damage that the engine meets while the store is open.
func (s *Store) Met() <-chan Damage { return s.met }

// damagedBetween returns an error if a day in the range is known to be damaged.
func (s *Store) damagedBetween(from, to int64) error {
	s.foundMu.Lock()
	defer s.foundMu.Unlock()
	var e DamageError
	for _, day := range slices.Sorted(maps.Keys(s.found)) {
		if day.Start() <= to && from < (day+1).Start() {
			e.Days = append(e.Days, day)
			e.Reason = s.found[day]
		}
	}
	if e.Days == nil {
		return nil
	}
	return &e
}

// goroutine returns the number of the calling goroutine and its stack.
func goroutine() (id string, stack []byte) {
	buf := make([]byte, 64<<10)
	stack = buf[:runtime.Stack(buf, false)]
	rest, _ := bytes.CutPrefix(stack, []byte("goroutine "))
	number, _, _ := bytes.Cut(rest, []byte(" "))
	return string(number), stack
}

// parentOf returns the number of the goroutine that started the one with the given
// stack.
func parentOf(stack []byte) string {
	_, last, _ := bytes.Cut(stack[max(0, bytes.LastIndex(stack, []byte("created by "))):], []byte(" in goroutine "))
	number, _, _ := bytes.Cut(last, []byte("\n"))
	return string(number)
}

// survive is called in a goroutine that is about to panic, with the engine's
// message. It returns true if the panic will be recovered and false if the
// process has to end. It does not return if the goroutine can end alone.
func survive(text string) (recovered bool) {
	id, stack := goroutine()
	calls.Lock()
	own, parent := calls.by[id], calls.by[parentOf(stack)]
	calls.Unlock()
	switch {
	case own != nil:
		own.fail(own.s.hurt(text))
		return true
	case !canEnd():
		return false
	case parent != nil:
		parent.fail(parent.s.hurt(text))
	case bytes.Contains(stack, []byte("lockStreamReader)")): // a merge, which holds no locks while reading
		s := storeOf(text)
		if s == nil {
			return false
		}
		s.hurt(text)
	default:
		return false
	}
	giveBack(stack)
	runtime.Goexit()
	return false
}
