package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/result"
	"bluetrail/internal/search"
	"bluetrail/internal/search/job"
	"bluetrail/internal/vector"
)

func (s *Server) searchTimeline(w http.ResponseWriter, r *http.Request) error {
	j, err := s.job(r)
	if err != nil {
		return err
	}
	buckets, err := number(r, "buckets", 100, 1, 1000)
	if err != nil {
		return err
	}
	limit, err := number(r, "limit", 10, 1, 50)
	if err != nil {
		return err
	}
	by := r.URL.Query().Get("by")
	t, err := j.Timeline(r.Context(), buckets, by, limit)
	if err != nil {
		return searchError(err, "")
	}
	type series struct {
		Name   string `json:"name"`
		Kind   string `json:"kind"`
		Counts []int  `json:"counts"`
	}
	out := struct {
		From   time.Time   `json:"from"`
		To     time.Time   `json:"to"`
		SpanMS int64       `json:"span_ms"`
		Starts []time.Time `json:"starts"`
		By     string      `json:"by,omitempty"`
		Series []series    `json:"series"`
		Total  int         `json:"total"`
	}{SpanMS: t.Span.Milliseconds(), Starts: t.Starts, By: by, Series: []series{}, Total: t.Total}
	if n := len(t.Starts); n > 0 {
		out.From, out.To = t.Starts[0], t.Starts[n-1].Add(t.Span)
	} else {
		out.Starts = []time.Time{}
	}
	for _, v := range t.Series {
		kind := "value"
		switch {
		case by == "":
		case v.Name == job.Other:
			kind = "other"
		case v.Name == job.Null:
			kind = "none"
		}
		out.Series = append(out.Series, series{v.Name, kind, v.Counts})
	}
	return ok(w, out)
}

func (s *Server) searchFields(w http.ResponseWriter, r *http.Request) error {
	j, err := s.job(r)
	if err != nil {
		return err
	}
	values, err := number(r, "values", 5, 0, 1000)
	if err != nil {
		return err
	}
	f, err := j.Fields(r.Context(), r.URL.Query().Get("field"), values)
	if err != nil {
		return searchError(err, "")
	}
	type summary struct {
		Name     string           `json:"name"`
		Count    int              `json:"count"`
		Share    float64          `json:"share"`
		Distinct int              `json:"distinct"`
		Exact    bool             `json:"exact"`
		Values   []job.ValueCount `json:"values"`
		Numeric  bool             `json:"numeric,omitempty"`
		Min      *float64         `json:"min,omitempty"`
		Max      *float64         `json:"max,omitempty"`
		Doc      string           `json:"doc,omitempty"`
	}
	items := []summary{}
	for i := range f.List {
		v := &f.List[i]
		one := summary{Name: v.Name, Count: v.Count, Distinct: v.Distinct, Exact: v.Exact, Values: v.Values[:min(values, len(v.Values)):len(v.Values)]}
		if one.Values == nil {
			one.Values = []job.ValueCount{}
		}
		if f.Events > 0 {
			one.Share = float64(v.Count) / float64(f.Events)
		}
		if v.Numbers > 0 && v.Numbers >= v.Count {
			one.Numeric, one.Min, one.Max = true, &v.Min, &v.Max
		}
		if known := event.Lookup(v.Name); known != nil {
			one.Doc = known.Doc
		}
		items = append(items, one)
	}
	return ok(w, struct {
		Items   []summary `json:"items"`
		Total   int       `json:"total"`
		Sample  int       `json:"sample"`
		Sampled bool      `json:"sampled"`
	}{items, len(items), f.Events, f.Sampled})
}

// formats are those of an export: the type of the answer and the ending of the
// file.
var formats = map[string][2]string{
	"csv":  {"text/csv; charset=utf-8", "csv"},
	"json": {"application/x-ndjson", "ndjson"},
	"raw":  {"text/plain; charset=utf-8", "log"},
}

// errTable refuses to export records where there are none.
var errTable = &Error{Status: http.StatusConflict, Code: "no_events", Message: "raw exports the records of events, and these rows are a table", Hint: "export as csv or json"}

func (s *Server) exportSearch(w http.ResponseWriter, r *http.Request) error {
	j, err := s.job(r)
	if err != nil {
		return err
	}
	format := r.URL.Query().Get("format")
	kind, known := formats[format]
	if !known {
		return badRequest("format=%q must be csv, json or raw", format)
	}
	if format == "raw" && !j.Parts.Events {
		return errTable
	}
	if err := s.audit(r, "exported", "search", rangeOf(j.Ask.Earliest, j.Ask.Latest), j.Ask.Search); err != nil {
		return err
	}
	in, err := finished(r.Context(), j)
	if err != nil {
		return searchError(err, j.Ask.Search)
	}
	name := "search-" + j.Began.UTC().Format("20060102-150405")
	again := in.More && !j.Parts.Writes // for the rows that were not kept
	if in.More && !again {
		name += fmt.Sprintf("-first-%d-rows", in.Rows)
	}
	head := func() {
		w.Header().Set("Content-Type", kind[0])
		w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.%s"`, name, kind[1]))
		w.WriteHeader(http.StatusOK)
	}
	out := bufio.NewWriterSize(w, 64<<10)
	rows, err := result.New(out, result.Options{Format: format, Events: j.Parts.Events, Cancelled: r.Context().Err})
	if err != nil {
		return err
	}
	begun := false
	write := func(b *vector.Batch) error {
		if !begun {
			begun = true
			head()
		}
		return rows.Write(b)
	}
	if again {
		a := j.Ask
		if a.Now == "" {
			a.Now = fmt.Sprint(j.Began.Unix())
		}
		err = s.cfg.Jobs.Once(r.Context(), a, false, func(sr *search.Search) error { return sr.Each(r.Context(), write) })
	} else {
		err = j.Each(0, func(_ int, b *vector.Batch) error { return write(b) })
	}
	switch {
	case err != nil && !begun:
		return searchError(err, j.Ask.Search)
	case err != nil:
		s.toSend(r, err)            // logged
		panic(http.ErrAbortHandler) // the client sees that the file is not whole
	case !begun:
		head()
	}
	if _, err := rows.Close(); err != nil {
		panic(http.ErrAbortHandler)
	}
	if err := out.Flush(); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

// finished waits for the end of a job, so that a file is not cut where the job is. Its
// error is that of a job that failed; one that was cancelled has the rows it has.
func finished(ctx context.Context, j *job.Job) (in job.Info, err error) {
	for in = j.Info(); !in.State.Ended(); in = j.Info() {
		select {
		case <-in.Changed:
		case <-time.After(progressEvery): // asking keeps the job
		case <-ctx.Done():
			return in, ctx.Err()
		}
	}
	if in.State == job.Failed {
		err = in.Err
	}
	return in, err
}

// event shows an event whole.
func (s *Server) event(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	text := "index=* " + filter.PrintTest("eventID", strings.ReplaceAll(id, "*", `\*`)) + " | head 1"
	var found *vector.Batch
	err := s.cfg.Jobs.Once(r.Context(), job.Ask{Search: text, User: user(r), Refused: refusedIndexes(r)}, false, func(sr *search.Search) error {
		return sr.Each(r.Context(), func(b *vector.Batch) error {
			if b.Len > 0 && found == nil {
				found = b.Slice(0, 1)
			}
			return nil
		})
	})
	if err != nil {
		return searchError(err, "")
	}
	if found == nil {
		return notFound("event", id)
	}
	rows, err := rowsOf(found.Keep(func(name string) bool { return name != "_raw" }))
	if err != nil {
		return err
	}
	return ok(w, struct {
		ID     string          `json:"id"`
		Fields json.RawMessage `json:"fields"`
		Raw    string          `json:"raw"`
	}{id, rows[0], found.At("_raw", 0).Text()})
}

// Searched is a search in the history of somebody.
type Searched struct {
	Search   string    `json:"search"`
	Earliest string    `json:"earliest,omitempty"`
	Latest   string    `json:"latest,omitempty"`
	Time     time.Time `json:"time"`
}

func (s *Server) searchHistory(w http.ResponseWriter, r *http.Request) error {
	limit, err := number(r, "limit", 100, 1, 1000)
	if err != nil {
		return err
	}
	acts, err := s.cfg.Searched(r.Context(), user(r))
	if err != nil {
		return err
	}
	want := strings.ToLower(r.URL.Query().Get("q"))
	seen := map[string]bool{}
	var items []Searched
	for _, a := range acts {
		if seen[a.Detail] || !strings.Contains(strings.ToLower(a.Detail), want) {
			continue
		}
		seen[a.Detail] = true
		one := Searched{Search: a.Detail, Time: a.Time.UTC()}
		one.Earliest, one.Latest, _ = strings.Cut(a.Object, " to ")
		if items = append(items, one); len(items) == limit {
			break
		}
	}
	return ok(w, listOf(items))
}
