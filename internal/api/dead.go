package api

import (
	"net/http"
	"strconv"
	"time"

	"bluetrail/internal/state"
)

// deadLetter is a message that a source could not take in.
type deadLetter struct {
	ID      int64     `json:"id"`
	Source  string    `json:"source"`
	Message string    `json:"message"`
	Reason  string    `json:"reason"`
	Tries   int       `json:"tries"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Retry   bool      `json:"retry,omitempty"`
	Body    string    `json:"body"`
}

func (s *Server) listDeadLetters(w http.ResponseWriter, r *http.Request) error {
	limit, from, err := pageOf(r)
	if err != nil {
		return err
	}
	found, total, err := s.cfg.Product.State.DeadLetters(r.FormValue("source"), from+limit)
	if err != nil {
		return err
	}
	out := []deadLetter{}
	for i := range found {
		l := &found[i]
		out = append(out, deadLetter{l.ID, l.Source, l.Message, l.Reason, l.Received, fromMilli(l.First), fromMilli(l.Last), l.Retry, l.Body})
	}
	page := cut(out, limit, from)
	if page.Total = total; page.Next == "" && from+len(page.Items) < total && len(page.Items) > 0 {
		page.Next = strconv.Itoa(from + len(page.Items))
	}
	return ok(w, page)
}

func (s *Server) retryDeadLetter(w http.ResponseWriter, r *http.Request) error {
	return s.changeDeadLetter(w, r, "retried", (*state.DB).RetryDeadLetters)
}

func (s *Server) dropDeadLetter(w http.ResponseWriter, r *http.Request) error {
	return s.changeDeadLetter(w, r, "dropped", (*state.DB).DropDeadLetters)
}

func (s *Server) changeDeadLetter(w http.ResponseWriter, r *http.Request, action string, change func(*state.DB, string, ...int64) (int, error)) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return notFound("dead letter", r.PathValue("id"))
	}
	n, err := change(s.cfg.Product.State, "", id)
	switch {
	case err != nil:
		return err
	case n == 0:
		return notFound("dead letter", r.PathValue("id"))
	}
	if err := s.audit(r, action, "dead letter", r.PathValue("id"), ""); err != nil {
		return err
	}
	return none(w)
}
