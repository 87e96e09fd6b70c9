package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/actor"
	"bluetrail/internal/alert"
	"bluetrail/internal/config"
	"bluetrail/internal/coverage"
	"bluetrail/internal/detect/live"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/triage"
	"bluetrail/internal/enrich/load"
	"bluetrail/internal/exposure"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/search"
	feed "bluetrail/internal/source"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/state"
	"bluetrail/internal/vector"
)

// Product is what alerts, entities, rules and so on are answered from. Only State
// and Search are required; what needs one that is nil says that it is not there.
type Product struct {
	State   *state.DB
	Config  *config.Config
	Data    string // the data directory
	Started time.Time

	// Search returns a search of the server's own, whose macros and lookups are also
	// those of some folders.
	Search func(dirs []string) (search.Options, error)
	// Knowledge opens the lookups that searches use. What is written goes to the data
	// directory.
	Knowledge func() (*knowledge.Knowledge, error)

	Rules    *ruleset.Follower
	Own      *ruleset.Own // rules that people write here
	Live     *live.Rules
	Desk     func() (*triage.Desk, error)
	Book     func(func(*actor.Book)) error // nobody may keep it
	Exposure *exposure.Keeper
	Received func(label string) (st feed.Status, ok bool)                           // how a source does to which clients send
	Coverage func(ctx context.Context, age time.Duration) (*coverage.Report, error) // at most age old
	// SourceProblem returns why a source cannot be read now, "" = it can.
	SourceProblem func(label string) string
	Lists         *load.Loader
	Queue         func(tx *state.Tx, a *alert.Alert, change alert.Change) error // tells outputs
	Span          func() (first, last time.Time)                                // of the stored events
	Allow         string                                                        // the file of suppressions

	Shipped    fs.FS // rules
	Dashboards fs.FS
}

// productRoutes joins them.
func (s *Server) productRoutes() []route {
	return slices.Concat(s.alertRoutes(), s.entityRoutes(), s.ruleRoutes(), s.tableRoutes(), s.dashboardRoutes(), s.savedRoutes(), s.sourceRoutes())
}

// lacking is the error of what this server does not have.
func lacking(what string) *Error {
	return &Error{Status: http.StatusNotFound, Code: "not_configured", Message: "this server has no " + what}
}

// unprocessable is the error of a request that is understood and cannot be done.
func unprocessable(code, format string, args ...any) *Error {
	return &Error{Status: http.StatusUnprocessableEntity, Code: code, Message: fmt.Sprintf(format, args...)}
}

// conflict says that somebody else was faster.
func conflict(what string) *Error {
	return &Error{Status: http.StatusConflict, Code: "changed_meanwhile", Message: "somebody else changed " + what + " meanwhile", Hint: "load it again, and make your changes there"}
}

// when reads a time of a request; zero if it is not there.
func when(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := splunktime.ParseTime(text, time.Now().UTC())
	if err != nil {
		return t, &Error{Status: http.StatusBadRequest, Code: "bad_time", Message: fmt.Sprintf("%s: %v", name, err), Hint: "write RFC 3339, epoch seconds, or a relative time such as -7d@d"}
	}
	return t.UTC(), nil
}

// between reads the parameters since and until.
func between(r *http.Request) (since, until time.Time, err error) {
	if since, err = when("since", r.FormValue("since")); err != nil {
		return since, until, err
	}
	until, err = when("until", r.FormValue("until"))
	return since, until, err
}

// pageOf reads limit and a cursor that counts items.
func pageOf(r *http.Request) (limit, from int, err error) {
	if limit, err = number(r, "limit", 100, 1, 1000); err != nil {
		return 0, 0, err
	}
	if text := r.FormValue("cursor"); text != "" {
		if from, err = strconv.Atoi(text); err != nil || from < 0 {
			return 0, 0, badCursor(text)
		}
	}
	return limit, from, nil
}

func badCursor(text string) *Error {
	e := badRequest("cursor=%q is not from a page of this list", text)
	e.Hint = "send the next of the page before, or leave it out"
	return e
}

// cut returns a page of a list.
func cut[T any](all []T, limit, from int) list[T] {
	l := list[T]{Items: []T{}, Total: len(all)}
	if from < len(all) {
		l.Items = all[from:min(from+limit, len(all))]
	}
	if from+limit < len(all) {
		l.Next = strconv.Itoa(from + limit)
	}
	return l
}

// texts returns a list that is [] in JSON rather than null.
func texts[S ~[]string](v S) []string {
	if v == nil {
		return []string{}
	}
	return v
}

func contains(text, part string) bool {
	return part == "" || strings.Contains(strings.ToLower(text), strings.ToLower(part))
}

func fromNano(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// errEnough ends a search that has what is needed.
var errEnough = errors.New("enough")

// searching runs a search of the server's own over a range of time, both bounds may be
// open. It ends early without an error where time or memory ran out, or each returns
// errEnough; notice says so.
func (s *Server) searching(ctx context.Context, text string, from, to time.Time, longest time.Duration, change func(*search.Options), each func(*vector.Batch) error) (notice string, err error) {
	o, err := s.cfg.Product.Search(nil)
	if err != nil {
		return "", err
	}
	o.Text, o.Unwatched, o.Time = text, true, longest
	if !from.IsZero() {
		o.Earliest = epoch(from)
	}
	if !to.IsZero() {
		o.Latest = epoch(to)
	}
	if change != nil {
		change(&o)
	}
	x, _, err := search.Open(ctx, o)
	if err == nil {
		defer x.Close()
		err = x.Each(ctx, each)
	}
	switch {
	case errors.Is(err, errEnough):
		return "", nil
	case exec.EndsEarly(err):
		return "the search was ended after " + longest.String() + "; this is what was found so far. Narrow the range of time.", nil
	}
	return "", err
}

// epoch writes a time as searches take it.
func epoch(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
}

// cell returns a cell of a batch as text, the first value if there are several.
func cell(b *vector.Batch, name string, row int) string {
	if c := b.Col(name); c != nil {
		if v := c.At(row); v.Len() > 0 {
			return v.At(0)
		}
	}
	return ""
}

func cellNumber(b *vector.Batch, name string, row int) int64 {
	f, _ := strconv.ParseFloat(cell(b, name, row), 64)
	return int64(f)
}

func cellTime(b *vector.Batch, name string, row int) time.Time {
	f, err := strconv.ParseFloat(cell(b, name, row), 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMicro(int64(f * 1e6)).UTC()
}

// addText adds a text of a batch to a list that lacks it, up to a number.
func addText(to []string, text string, most int) []string {
	if text == "" || len(to) >= most || slices.Contains(to, text) {
		return to
	}
	return append(to, strings.Clone(text))
}
