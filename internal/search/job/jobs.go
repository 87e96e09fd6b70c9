package job

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/plan"
	"bluetrail/internal/search"
	"bluetrail/internal/spill"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
)

// Config is what jobs work with.
type Config struct {
	// Options returns how to search. Those that may write are asked for as such:
	// of others, no command changes or sends anything.
	Options func(a Ask, write bool) (search.Options, []diag.Notice, error)
	Disk    *spill.Space // for rows; nil = none
	Gate    *Gate
	// Wrote ends a search that may write: it stores what was collected.
	Wrote func(o *search.Options, err error) error

	Idle    time.Duration // how long nobody may ask about a job
	PerUser int           // jobs at once, those that have ended not counted
	Total   int
}

// DefaultConfig returns the bounds of a server.
func DefaultConfig() Config { return Config{Idle: 10 * time.Minute, PerUser: 20, Total: 200} }

// Jobs are the searches of a server. It is safe for concurrent use.
type Jobs struct {
	cfg    Config
	gate   *Gate
	memory atomic.Int64
	gone   sync.WaitGroup

	mu     sync.Mutex
	list   []*Job // the oldest first
	closed bool
}

// New returns no jobs.
func New(cfg Config) *Jobs { return &Jobs{cfg: cfg, gate: cfg.Gate} }

// Errors of Start and Get.
var (
	ErrTooMany  = errors.New("too many searches are under way")
	ErrNone     = errors.New("there is no such job; jobs are dropped when nobody has asked about them for a while")
	ErrStopping = errors.New("the server is stopping")
	ErrWrites   = errors.New("this search changes something")
)

// mostKept is how many jobs of a user that have ended are kept.
const mostKept = 30

// Start starts a search. A fault of its text is returned at once. With
// write=false, ErrWrites says that it would change something.
func (l *Jobs) Start(a Ask, write bool) (*Job, error) {
	o, notices, err := l.cfg.Options(a, write)
	if err != nil {
		return nil, err
	}
	parts, err := partsOf(a.Search, o.Macros)
	if err != nil {
		return nil, err
	}
	if parts.Writes && !write {
		return nil, ErrWrites
	}
	if _, err := o.Env(); err != nil {
		return nil, err
	}
	j := &Job{ID: rand.Text(), Ask: a, Parts: parts, Began: time.Now(), jobs: l, state: Queued, changed: make(chan struct{}), notices: notices}
	j.rows.all, j.rows.disk = &l.memory, l.cfg.Disk
	j.tap = &tap{}
	o.Store = j.tap.over(o.Store)
	o.Text = a.Search
	if write && l.cfg.Wrote != nil { // the searches that map runs may write, too
		j.stored = func(err error) error { return l.stored(&o, err) }
	}
	if a.Now == "" {
		o.Clock = j.Began // the same one for what is searched beside it
	}
	j.ctx, j.cancel = context.WithCancelCause(context.Background())
	j.idle = time.AfterFunc(l.cfg.Idle, func() { l.Drop(j) }) // before others see the job
	if err := l.add(j); err != nil {
		j.idle.Stop()
		j.cancel(nil)
		return nil, err
	}
	go func() {
		defer l.gone.Done()
		j.run(o)
	}()
	return j, nil
}

// partsOf parses a search.
func partsOf(text string, m syntax.Macros) (Parts, error) {
	q, err := plan.Parse(text, m)
	if err == nil {
		err = syntax.Check(q)
	}
	if err != nil {
		return Parts{}, err
	}
	return PartsOf(q), nil
}

func (l *Jobs) add(j *Job) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrStopping
	}
	own, all, ended := 0, 0, []*Job{}
	for _, other := range l.list {
		other.mu.Lock()
		over := other.state.Ended()
		other.mu.Unlock()
		switch {
		case over && other.Ask.User == j.Ask.User:
			ended = append(ended, other)
		case !over:
			all++
			if other.Ask.User == j.Ask.User {
				own++
			}
		}
	}
	if own >= l.cfg.PerUser {
		return fmt.Errorf("%w: you have %d; cancel one, or wait until one ends", ErrTooMany, own)
	}
	if all >= l.cfg.Total {
		return fmt.Errorf("%w: there are %d; try again in a moment", ErrTooMany, all)
	}
	if len(ended) > mostKept {
		l.drop(ended[0])
	}
	l.list = append(l.list, j)
	l.gone.Add(1)
	return nil
}

// Get returns a job of a user, or of anybody for "".
func (l *Jobs) Get(user, id string) (*Job, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, j := range l.list {
		if j.ID == id && (user == "" || user == j.Ask.User) {
			j.touch()
			return j, nil
		}
	}
	return nil, ErrNone
}

// List returns the jobs of a user, or of everybody for "", the newest first.
func (l *Jobs) List(user string) (list []*Job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, j := range slices.Backward(l.list) {
		if user == "" || user == j.Ask.User {
			list = append(list, j)
		}
	}
	return list
}

// Drop ends a job and forgets it.
func (l *Jobs) Drop(j *Job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(j)
}

func (l *Jobs) drop(j *Job) {
	i := slices.Index(l.list, j)
	if i < 0 {
		return
	}
	l.list = slices.Delete(l.list, i, i+1)
	j.idle.Stop()
	j.cancel(errors.New("nobody asked about the search any more"))
	l.gone.Go(func() {
		j.wait()
		j.mu.Lock()
		j.freed = true
		j.rows.blocks, j.rows.rows = nil, 0
		j.mu.Unlock()
		j.rows.free()
	})
}

// wait waits until the job has ended.
func (j *Job) wait() {
	for {
		j.mu.Lock()
		over, changed := j.state.Ended(), j.changed
		j.mu.Unlock()
		if over {
			return
		}
		<-changed
	}
}

// Close ends all jobs and waits for them.
func (l *Jobs) Close() {
	l.mu.Lock()
	l.closed = true
	for _, j := range slices.Clone(l.list) {
		j.cancel(ErrStopping)
		l.drop(j)
	}
	l.mu.Unlock()
	l.gone.Wait()
}

// left is how long a running job lasts when the last who followed it is gone.
const left = time.Minute

// touch notes that somebody asks about the job.
func (j *Job) touch() {
	j.idle.Reset(j.jobs.cfg.Idle)
}

// Follow notes that somebody follows the job, until the function that it returns
// is called.
func (j *Job) Follow() (leave func()) {
	j.mu.Lock()
	j.watchers++
	j.mu.Unlock()
	return func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		if j.watchers--; j.watchers == 0 && !j.state.Ended() {
			j.idle.Reset(min(left, j.jobs.cfg.Idle))
		}
	}
}

// beside runs another search over the same time as the job, without any effect.
func (j *Job) beside(ctx context.Context, text, earliest, latest string, t *tap, use func(*search.Search) error) error {
	l := j.jobs
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return ErrStopping
	}
	l.gone.Add(1)
	l.mu.Unlock()
	defer l.gone.Done()
	a := j.Ask
	a.Search = text
	if earliest != "" {
		a.Earliest = earliest
	}
	if latest != "" {
		a.Latest = latest
	}
	o, _, err := l.cfg.Options(a, false)
	if err != nil {
		return err
	}
	if a.Now == "" {
		o.Clock = j.Began
	}
	o.Text, o.Unwatched = text, true
	o.Store = t.over(o.Store)
	s, _, err := search.Open(ctx, o)
	if err != nil {
		return err
	}
	defer s.Close()
	return use(s)
}

// Beside runs another search over the same time, which waits at the gate.
func (j *Job) Beside(ctx context.Context, text, earliest, latest string, use func(*search.Search) error) error {
	turn, err := j.jobs.gate.enter(ctx, j.Ask.User)
	if err != nil {
		return err
	}
	defer turn.leave()
	return j.beside(ctx, text, earliest, latest, &tap{turn: turn}, use)
}

// stored stores what a search that may write wrote, before anybody is told that it is
// done. It returns the error of the search or else its own.
func (l *Jobs) stored(o *search.Options, err error) error {
	if over := new(exec.OverBudget); errors.As(err, &over) { // the search is done nevertheless
		if werr := l.cfg.Wrote(o, nil); werr != nil {
			return werr
		}
		return err
	}
	return l.cfg.Wrote(o, err)
}

// Once runs a search for somebody without keeping its rows: for exports and
// programs that take them as they come. use returns io.EOF if it wants no more rows; a
// search that writes is read to its end nevertheless.
func (l *Jobs) Once(ctx context.Context, a Ask, write bool, use func(*search.Search) error) error {
	o, _, err := l.cfg.Options(a, write)
	if err != nil {
		return err
	}
	parts, err := partsOf(a.Search, o.Macros)
	if err != nil {
		return err
	}
	if parts.Writes && !write {
		return ErrWrites
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return ErrStopping
	}
	l.gone.Add(1)
	l.mu.Unlock()
	defer l.gone.Done()
	turn, err := l.gate.enter(ctx, a.User)
	if err != nil {
		return err
	}
	defer turn.leave()
	o.Text = a.Search
	o.Store = (&tap{turn: turn}).over(o.Store)
	s, _, err := search.Open(ctx, o)
	if err != nil {
		return err
	}
	defer s.Close()
	if err = use(s); err == io.EOF {
		err = nil
		if parts.Writes {
			err = s.Drain(ctx)
		}
	}
	if write && l.cfg.Wrote != nil {
		err = l.stored(&o, err)
	}
	return err
}

// quote writes a text as an argument of a command.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
