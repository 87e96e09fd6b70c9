package exec

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"bluetrail/internal/spill"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store"
	"bluetrail/internal/store/actors"
)

// Env is what a running search may lean on. It is shared by the search and its
// subsearches and is safe for concurrent use; fields are set before it starts.
type Env struct {
	Now       time.Time      // the clock of now() and of relative times
	Zone      *time.Location // the user's zone; never nil
	Earliest  time.Time      // the search's range, inclusive; zero = open
	Latest    time.Time      // exclusive; zero = open
	Arrived   store.Arrival  // when the events were taken in
	Unwatched bool           // nobody reads why there are no rows, which takes time to find out
	Limits    Limits
	Geo       Geo            // nil: iplocation reports that there is no database
	Knowledge Knowledge      // lookups and what else has a name; nil: none
	Macros    syntax.Macros  // for text that is parsed while running; nil: none
	Actors    *actors.Actors // of the store, shared by searches; nil: each search reads it for itself
	Memory    *Budget        // never nil
	Disk      *spill.Space   // for rows that memory cannot hold; nil: none

	Collector Collector // where collect puts events; nil: nowhere
	Sender    Sender    // where sendalert and sendemail send; nil: they send nothing and warn

	// Gather makes a reducer for each worker of a search that hands out events one by
	// one. They come in any order, and the rows of the search are those of the
	// reducer. nil: the rows are the events, the newest first.
	Gather func() (Reducer, error)

	// Run opens a subsearch. Its time range is the one of env, unless it
	// carries its own modifiers.
	Run func(ctx context.Context, q *syntax.Query) (Operator, error)
	// Pipe puts the commands of q, none of which begins a search, behind in.
	Pipe func(ctx context.Context, q *syntax.Query, in Operator) (Operator, error)

	warnings *warnings
	running  *running
	tables   *heldTables
}

// NewEnv returns an Env for a search at the given moment, with default limits
// and UTC.
func NewEnv(now time.Time) *Env {
	l := DefaultLimits()
	return &Env{Now: now, Zone: time.UTC, Limits: l, Memory: NewBudget(l.Memory), warnings: &warnings{}, running: &running{}, tables: &heldTables{}}
}

// Within returns the environment of a search whose text says what its range is.
// All else is shared.
func (e *Env) Within(earliest, latest time.Time) *Env {
	in := *e
	in.Earliest, in.Latest = earliest, latest
	return &in
}

// Tight reports whether what holds so many bytes should put them on disk: half
// of the memory of the search is taken, and they are a good part of it.
func (e *Env) Tight(held int) bool {
	limit := e.Limits.Memory
	return e.Disk != nil && int64(held) > limit/16 && e.Memory.Used() > limit/2
}

// OnDisk returns the error of putting rows on disk as a search reports it: that
// there is no room for more ends the search early.
func (e *Env) OnDisk(err error) error {
	var full *spill.Full
	if !errors.As(err, &full) {
		return err
	}
	over := &OverBudget{Budget: fmt.Sprintf("%d MiB of temporary files", full.Limit>>20), Key: "search.disk_mib"}
	e.Memory.End(over)
	return over
}

// Limits bound what a search may produce and hold. They are Splunk's own where
// Splunk has one.
type Limits struct {
	SubsearchRows  int           // rows a subsearch in brackets may return
	SubsearchTime  time.Duration // and the time it may take
	SubsearchDepth int
	JoinRows       int   // rows of join's and append's subsearch
	SortRows       int   // sort without a count
	ListValues     int   // values that list() keeps
	Memory         int64 // bytes a search may hold before it ends early
	Rows           int   // of the result, 0 = any number
}

// DefaultLimits returns the limits that hold when nothing else is said.
func DefaultLimits() Limits {
	return Limits{
		SubsearchRows: 10000, SubsearchTime: time.Minute, SubsearchDepth: 8,
		JoinRows: 50000, SortRows: 10000, ListValues: 100, Memory: 512 << 20,
	}
}

type warnings struct {
	mu   sync.Mutex
	list []string
	seen map[string]bool
}

// maxWarnings bounds how many different warnings one search reports.
const maxWarnings = 50

// Warn notes something the user must know about the result, once.
func (e *Env) Warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w := e.warnings
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen[text] || len(w.list) >= maxWarnings {
		return
	}
	if w.seen == nil {
		w.seen = map[string]bool{}
	}
	w.seen[text] = true
	w.list = append(w.list, text)
}

// Warnings returns what was warned of so far.
func (e *Env) Warnings() []string {
	e.warnings.mu.Lock()
	defer e.warnings.mu.Unlock()
	return append([]string(nil), e.warnings.list...)
}
