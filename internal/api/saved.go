package api

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/auth"
	"bluetrail/internal/state"
)

func (s *Server) savedRoutes() []route {
	return []route{
		{"GET /api/v1/saved-searches", auth.Viewer, s.listSaved},
		{"POST /api/v1/saved-searches", auth.Analyst, s.createSaved},
		{"GET /api/v1/saved-searches/{id}", auth.Viewer, s.getSaved},
		{"PUT /api/v1/saved-searches/{id}", auth.Analyst, s.putSaved},
		{"DELETE /api/v1/saved-searches/{id}", auth.Analyst, s.deleteSaved},
	}
}

// savedKind is the kind of the documents of saved searches.
const savedKind = "saved search"

type savedSearch struct {
	ID          string    `json:"id"`
	Title       string    `json:"title"`
	Description string    `json:"description,omitempty"`
	Search      string    `json:"search"`
	Earliest    string    `json:"earliest,omitempty"`
	Latest      string    `json:"latest,omitempty"`
	View        string    `json:"view,omitempty"`
	Shared      bool      `json:"shared"`
	Owner       string    `json:"owner"`
	Mine        bool      `json:"mine"`
	Version     int64     `json:"version"`
	Updated     time.Time `json:"updated"`
}

func savedOf(r *http.Request, d *state.Document) (x savedSearch, err error) {
	err = json.Unmarshal(d.Body, &x)
	x.ID, x.Version, x.Updated, x.Mine = d.ID, d.Version, fromMilli(d.Time), x.Owner == user(r)
	return x, err
}

func (s *Server) listSaved(w http.ResponseWriter, r *http.Request) error {
	all, err := s.cfg.Product.State.Documents(savedKind, true)
	if err != nil {
		return err
	}
	out := []savedSearch{}
	for i := range all {
		x, err := savedOf(r, &all[i])
		if err != nil {
			return err
		}
		if x.Mine || x.Shared {
			out = append(out, x)
		}
	}
	slices.SortStableFunc(out, func(x, y savedSearch) int { return strings.Compare(strings.ToLower(x.Title), strings.ToLower(y.Title)) })
	return ok(w, listOf(out))
}

// readSaved returns the saved search that the path names, if the user may see it.
func (s *Server) readSaved(r *http.Request) (x savedSearch, err error) {
	id := r.PathValue("id")
	d, err := s.cfg.Product.State.Document(savedKind, id)
	if err != nil {
		return x, err
	}
	if d != nil {
		if x, err = savedOf(r, d); err != nil {
			return x, err
		}
	}
	if d == nil || !x.Mine && !x.Shared {
		return x, notFound("saved search", id)
	}
	return x, nil
}

func (s *Server) getSaved(w http.ResponseWriter, r *http.Request) error {
	x, err := s.readSaved(r)
	if err != nil {
		return err
	}
	return ok(w, x)
}

// mayChange reports whether somebody may change what an owner made: the owner and
// engineers may.
func mayChange(r *http.Request, owner string) bool {
	who := auth.From(r.Context())
	return who != nil && (who.Name == owner || who.Role >= auth.Engineer)
}

type putSavedSearch struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Search      string `json:"search"`
	Earliest    string `json:"earliest"`
	Latest      string `json:"latest"`
	View        string `json:"view"`
	Shared      bool   `json:"shared"`
	Version     *int64 `json:"version"`
}

// Bounds of a saved search, in bytes.
const (
	maxTitle = 200
	maxText  = 256 << 10
)

func (s *Server) createSaved(w http.ResponseWriter, r *http.Request) error {
	return s.save(w, r, strings.ToLower(rand.Text()[:12]), user(r), 0)
}

func (s *Server) putSaved(w http.ResponseWriter, r *http.Request) error {
	was, err := s.readSaved(r)
	if err != nil {
		return err
	}
	if !mayChange(r, was.Owner) {
		return &Error{Status: http.StatusForbidden, Code: "forbidden", Message: "the search is " + was.Owner + "'s", Hint: "save it as one of your own"}
	}
	return s.save(w, r, was.ID, was.Owner, was.Version)
}

func (s *Server) save(w http.ResponseWriter, r *http.Request, id, owner string, last int64) error {
	var p putSavedSearch
	if err := decode(w, r, &p); err != nil {
		return err
	}
	p.Title = strings.TrimSpace(p.Title)
	switch {
	case p.Title == "" || len(p.Title) > maxTitle:
		return badRequest("the title must have 1 to %d bytes", maxTitle)
	case strings.TrimSpace(p.Search) == "" || len(p.Search) > maxText:
		return badRequest("the search must have 1 to %d bytes", maxText)
	case len(p.Description) > maxText || len(p.Earliest)+len(p.Latest)+len(p.View) > maxTitle:
		return badRequest("the description, the times or the view are too long")
	case p.Version != nil && last > 0:
		last = *p.Version
	}
	body, err := json.Marshal(savedSearch{Title: p.Title, Description: p.Description, Search: p.Search, Earliest: p.Earliest, Latest: p.Latest, View: p.View, Shared: p.Shared, Owner: owner})
	if err != nil {
		return err
	}
	d := &state.Document{Kind: savedKind, ID: id, Who: user(r), Body: body}
	err = s.cfg.Product.State.Write(func(tx *state.Tx) error { return tx.PutDocument(d, last) })
	if errors.Is(err, state.ErrVersion) {
		return conflict("the search")
	}
	if err == nil {
		err = s.audit(r, "saved", "search", id, p.Title)
	}
	if err != nil {
		return err
	}
	x, err := savedOf(r, d)
	if err != nil {
		return err
	}
	return ok(w, x)
}

func (s *Server) deleteSaved(w http.ResponseWriter, r *http.Request) error {
	x, err := s.readSaved(r)
	if err != nil {
		return err
	}
	if !mayChange(r, x.Owner) {
		return &Error{Status: http.StatusForbidden, Code: "forbidden", Message: "the search is " + x.Owner + "'s"}
	}
	err = s.cfg.Product.State.Write(func(tx *state.Tx) error {
		return tx.PutDocument(&state.Document{Kind: savedKind, ID: x.ID, Who: user(r), Gone: true}, -1)
	})
	if err == nil {
		err = s.audit(r, "removed", "search", x.ID, x.Title)
	}
	if err != nil {
		return err
	}
	return none(w)
}
