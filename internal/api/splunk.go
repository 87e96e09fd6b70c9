package api

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"bluetrail/internal/auth"
	"bluetrail/internal/result"
	"bluetrail/internal/search"
	"bluetrail/internal/search/job"
	"bluetrail/internal/vector"
)

// splunkRoutes are the paths of Splunk's API that scripts use most: see
// search/jobs/export in its REST API Reference Manual.
func (s *Server) splunkRoutes() []route {
	return []route{
		{"GET /services/search/jobs/export", auth.Viewer, s.splunkExport},
		{"POST /services/search/jobs/export", auth.Viewer, s.splunkExport},
		{"GET /servicesNS/{user}/{app}/search/jobs/export", auth.Viewer, s.splunkExport},
		{"POST /servicesNS/{user}/{app}/search/jobs/export", auth.Viewer, s.splunkExport},
	}
}

// splunkMessages is an error as Splunk sends it.
type splunkMessages struct {
	Messages []splunkMessage `json:"messages"`
}

type splunkMessage struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

func splunkError(e *Error) splunkMessages {
	text := e.Message
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return splunkMessages{[]splunkMessage{{"FATAL", text}}}
}

// isSplunk reports whether a request is for a path of Splunk's API.
func isSplunk(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/services") }

func (s *Server) splunkExport(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxJSON)
	if err := r.ParseForm(); err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			return err
		}
		return badRequest("cannot read the form: %v", err)
	}
	text := strings.TrimSpace(r.Form.Get("search"))
	if text == "" {
		return badRequest("search is missing")
	}
	if mode := r.Form.Get("search_mode"); mode != "" && mode != "normal" {
		return badRequest("search_mode=%q is not supported; use normal", mode)
	}
	most := 0
	if c := r.Form.Get("count"); c != "" {
		var err error
		if most, err = strconv.Atoi(c); err != nil || most < 0 {
			return badRequest("count=%q must be a number of at least 0", c)
		}
	}
	out := bufio.NewWriterSize(w, 64<<10)
	var rows result.Writer
	kind := ""
	mode := r.Form.Get("output_mode")
	switch mode {
	case "json":
		kind, rows = "application/json; charset=utf-8", &splunkRows{w: out}
	case "csv", "raw":
		kind = formats[mode][0]
		var err error
		if rows, err = result.New(out, result.Options{Format: mode, Cancelled: r.Context().Err}); err != nil {
			return err
		}
	default:
		return badRequest("output_mode=%q is not supported; use json, csv or raw", mode)
	}
	a := job.Ask{Search: text, Earliest: r.Form.Get("earliest_time"), Latest: r.Form.Get("latest_time"), User: user(r), Refused: refusedIndexes(r)}
	if err := s.audit(r, "searched", "search", rangeOf(a.Earliest, a.Latest), text); err != nil {
		return err
	}
	begun, given := false, 0
	begin := func() {
		if !begun {
			begun = true
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(http.StatusOK)
		}
	}
	err := s.cfg.Jobs.Once(r.Context(), a, mayWrite(r), func(sr *search.Search) error {
		return sr.Each(r.Context(), func(b *vector.Batch) error {
			if most > 0 && given+b.Len > most {
				b = b.Slice(0, most-given)
			}
			given += b.Len
			if mode == "raw" && b.Col("_raw") == nil {
				return errTable
			}
			begin()
			if err := rows.Write(b); err != nil {
				return err
			}
			if most > 0 && given == most {
				return io.EOF
			}
			return nil
		})
	})
	if err != nil && !begun {
		return searchError(err, text)
	}
	begin()
	if _, cerr := rows.Close(); err == nil {
		err = cerr
	}
	if err != nil && r.Context().Err() == nil {
		e := s.toSend(r, searchError(err, text))
		if _, ok := rows.(*splunkRows); !ok {
			out.Flush()
			panic(http.ErrAbortHandler) // the client sees that the answer is not whole
		}
		line, merr := json.Marshal(splunkError(e))
		if merr != nil {
			return merr
		}
		out.Write(append(line, '\n'))
	}
	out.Flush() // an error means that the client is gone
	return nil
}

// splunkRows writes rows as output_mode=json has them. It holds one back, since
// the last one is marked.
type splunkRows struct {
	w      io.Writer
	held   json.RawMessage
	offset int
}

// Write implements result.Writer.
func (s *splunkRows) Write(b *vector.Batch) error {
	rows, err := rowsOf(b)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := s.flush(""); err != nil {
			return err
		}
		s.held = row
	}
	return nil
}

func (s *splunkRows) flush(last string) error {
	if s.held == nil {
		return nil
	}
	_, err := fmt.Fprintf(s.w, `{"preview":false,"offset":%d%s,"result":%s}`+"\n", s.offset, last, s.held)
	s.offset++
	s.held = nil
	return err
}

// Close implements result.Writer.
func (s *splunkRows) Close() ([]string, error) {
	if s.held == nil {
		_, err := io.WriteString(s.w, `{"preview":false,"lastrow":true}`+"\n")
		return nil, err
	}
	return nil, s.flush(`,"lastrow":true`)
}
