package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"bluetrail/internal/auth"
	"bluetrail/internal/diag"
	"bluetrail/internal/search"
)

// Error is an answer that says what is wrong with a request.
type Error struct {
	Status  int    // of HTTP
	Code    string // for programs: bad_search, not_found, …
	Message string // for people
	Hint    string // the way out, "" = none
	Place   *Place // in the text that was sent, nil = none

	Wait time.Duration // until the client should try again, 0 = no matter
}

func (e *Error) Error() string { return e.Message }

// Place is a range of bytes of a text.
type Place struct {
	Start int `json:"start"` // inclusive
	End   int `json:"end"`   // exclusive
}

// errorBody is an Error as it is sent.
type errorBody struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Place   *Place `json:"place,omitempty"`
}

func (e *Error) body() errorBody { return errorBody{e.Code, e.Message, e.Hint, e.Place} }

// badRequest is the error of a request that cannot be understood.
func badRequest(format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "bad_request", Message: fmt.Sprintf(format, args...)}
}

// notFound says that there is no such thing: notFound("rule", "x").
func notFound(kind, name string) *Error {
	return &Error{Status: http.StatusNotFound, Code: "not_found", Message: fmt.Sprintf("there is no %s %q", kind, name)}
}

// mistake is implemented by errors that are a fault of what a person asked for.
type mistake interface{ Mistake() bool }

// asError turns any error into one that can be sent; nil for those of which the
// client must not learn more than that there was one.
func asError(err error) *Error {
	var own *Error
	var place *diag.Error
	var large *http.MaxBytesError
	var refusal *auth.Refusal
	var fault mistake
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &place):
		return badSearch(place)
	case errors.As(err, &refusal):
		return &Error{Status: refusal.Status, Code: refusal.Code, Message: refusal.Text, Hint: refusal.Hint, Wait: refusal.Wait}
	case errors.As(err, new(search.OptionError)):
		return &Error{Status: http.StatusBadRequest, Code: "bad_time", Message: err.Error()}
	case errors.As(err, &large):
		return &Error{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Message: fmt.Sprintf("the request is longer than %d bytes", large.Limit)}
	case errors.As(err, &fault) && fault.Mistake():
		return &Error{Status: http.StatusBadRequest, Code: "bad_request", Message: err.Error()}
	}
	return nil
}

// badSearch is the error of a text with a fault at a place.
func badSearch(e *diag.Error) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "bad_search", Message: e.Msg, Hint: e.Hint, Place: &Place{e.Span.Start, max(e.Span.Start, e.Span.End)}}
}

// errInternal is sent for errors that are logged only.
var errInternal = &Error{Status: http.StatusInternalServerError, Code: "internal", Message: "the server failed to answer; its log says why"}

// toSend returns the error to send, and logs those that are nobody's mistake.
func (s *Server) toSend(r *http.Request, err error) *Error {
	if e := asError(err); e != nil {
		return e
	}
	if s.cfg.Log != nil {
		s.cfg.Log.Error("a request failed", "method", r.Method, "path", r.URL.Path, "err", diag.Printable(err.Error()))
	}
	return errInternal
}

// fail answers a request with an error, unless the client is gone.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return
	}
	e := s.toSend(r, err)
	if isSplunk(r) {
		if e.Status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="bluetrail"`)
		}
		answer(w, e.Status, splunkError(e))
		return
	}
	answerError(w, e)
}

func answerError(w http.ResponseWriter, e *Error) {
	if e.Status == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
		w.Header().Set("WWW-Authenticate", `Bearer realm="bluetrail"`)
	}
	if e.Wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(e.Wait/time.Second)))
	}
	answer(w, e.Status, map[string]errorBody{"error": e.body()})
}
