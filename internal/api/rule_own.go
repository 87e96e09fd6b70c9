package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/state"
)

// ruleKind is the kind of documents that are versions of rules.
const ruleKind = "rule"

// own returns the folder of rules that people write here.
func (s *Server) own() (*ruleset.Own, error) {
	if s.cfg.Product.Own == nil {
		return nil, lacking("rules of its own, since it runs no rules")
	}
	return s.cfg.Product.Own, nil
}

type putSource struct {
	Source  string `json:"source"`
	Version *int64 `json:"version"`
	Note    string `json:"note"`
}

// maxNote bounds what is said of a version, in bytes.
const maxNote = 1000

// was returns the version that is replaced, as state.PutDocument takes it.
func (p *putSource) was() (int64, error) {
	if len(p.Note) > maxNote {
		return 0, badRequest("the note is longer than %d bytes", maxNote)
	}
	if p.Version == nil {
		return -1, nil
	}
	if *p.Version < 0 {
		return 0, badRequest("version must not be negative")
	}
	return *p.Version, nil
}

func (s *Server) putRule(w http.ResponseWriter, r *http.Request) error {
	own, err := s.own()
	if err != nil {
		return err
	}
	var p putSource
	if err := decode(w, r, &p); err != nil {
		return err
	}
	was, err := p.was()
	if err != nil {
		return err
	}
	name := r.PathValue("id")
	faults, err := own.Check(r.Context(), name, p.Source)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		e := unprocessable("bad_rule", "%s", faults[0].Reason)
		e.Hint = "nothing was saved"
		if line := faults[0].Line; line > 0 {
			e.Message = fmt.Sprintf("line %d: %s", line, faults[0].Reason)
			e.Place = placeOfLine(p.Source, line)
		}
		if n := len(faults) - 1; n > 0 {
			e.Hint = plural(n, "more fault") + "; nothing was saved"
		}
		return e
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	err = s.cfg.Product.State.Write(func(tx *state.Tx) error {
		return tx.PutDocument(&state.Document{Kind: ruleKind, ID: name, Who: user(r), Note: p.Note, Body: []byte(p.Source)}, was)
	})
	if err == nil {
		err = own.Put(r.Context(), name, p.Source)
	}
	if errors.Is(err, state.ErrVersion) {
		return conflict("the rule")
	}
	if err == nil {
		err = s.audit(r, "saved", "rule", name, p.Note)
	}
	if err != nil {
		return err
	}
	return s.answerRule(w, r, name)
}

// placeOfLine returns where a line of a text is, counted from 1.
func placeOfLine(text string, line int) *Place {
	start := 0
	for range line - 1 {
		i := strings.IndexByte(text[start:], '\n')
		if i < 0 {
			break
		}
		start += i + 1
	}
	end := len(text)
	if i := strings.IndexByte(text[start:], '\n'); i >= 0 {
		end = start + i
	}
	return &Place{start, end}
}

func (s *Server) deleteRule(w http.ResponseWriter, r *http.Request) error {
	own, err := s.own()
	if err != nil {
		return err
	}
	name := r.PathValue("id")
	if !own.Has(name) {
		if _, _, err := s.findRule(name); err != nil {
			return err
		}
		e := unprocessable("not_own", "the rule %q was not written here", name)
		e.Hint = "switch it off instead"
		return e
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	err = s.cfg.Product.State.Write(func(tx *state.Tx) error {
		return tx.PutDocument(&state.Document{Kind: ruleKind, ID: name, Who: user(r), Gone: true}, -1)
	})
	if err == nil {
		err = own.Remove(r.Context(), name)
	}
	if err == nil {
		err = s.audit(r, "removed", "rule", name, "")
	}
	if err != nil {
		return err
	}
	return none(w)
}

func (s *Server) enableRule(w http.ResponseWriter, r *http.Request) error {
	return s.switchRule(w, r, "")
}

func (s *Server) disableRule(w http.ResponseWriter, r *http.Request) error {
	var c struct {
		Reason string `json:"reason"`
	}
	if err := decode(w, r, &c); err != nil {
		return err
	}
	if c.Reason = strings.TrimSpace(c.Reason); c.Reason == "" || len(c.Reason) > 1000 {
		return badRequest("say why, in at most 1000 bytes")
	}
	return s.switchRule(w, r, c.Reason+" ("+user(r)+")")
}

func (s *Server) switchRule(w http.ResponseWriter, r *http.Request, reason string) error {
	rs, at, err := s.findRule(r.PathValue("id"))
	if err != nil {
		return err
	}
	x := &rs.Rules[at]
	if s.cfg.Product.Live == nil {
		return lacking("rules")
	}
	if reason == "" && x.Off != "" {
		e := unprocessable("off", "the rule is off: %s", x.Off)
		e.Hint = "its file or the configuration says so, and must be changed"
		return e
	}
	action := "enabled"
	if reason != "" {
		action = "disabled"
	}
	if err := s.cfg.Product.Live.Switch(s.cfg.Product.State, x.ID, reason); err != nil {
		return err
	}
	if err := s.audit(r, action, "rule", x.ID, reason); err != nil {
		return err
	}
	return s.answerRule(w, r, x.ID)
}

// versions answers with the versions of a document.
func (s *Server) versions(w http.ResponseWriter, kind, id string) error {
	all, err := s.cfg.Product.State.DocumentVersions(kind, id)
	if err != nil {
		return err
	}
	out := []versionInfo{}
	for _, d := range all {
		out = append(out, versionInfo{d.Version, fromMilli(d.Time), d.Who, d.Note, d.Size, d.Gone})
	}
	return ok(w, listOf(out))
}

// version answers with a version of a document.
func (s *Server) version(w http.ResponseWriter, r *http.Request, kind, id string) error {
	n, err := strconv.ParseInt(r.PathValue("version"), 10, 64)
	if err != nil || n < 1 {
		return badRequest("%q is not a version", r.PathValue("version"))
	}
	d, err := s.cfg.Product.State.DocumentVersion(kind, id, n)
	if err != nil {
		return err
	}
	if d == nil {
		return notFound("version", r.PathValue("version"))
	}
	return ok(w, struct {
		Version int64     `json:"version"`
		Time    time.Time `json:"time"`
		Who     string    `json:"who"`
		Note    string    `json:"note,omitempty"`
		Source  string    `json:"source"`
	}{d.Version, fromMilli(d.Time), d.Who, d.Note, string(d.Body)})
}

// ownName returns the name under which the versions of a rule are kept.
func (s *Server) ownName(ref string) string {
	if rs := s.rules(); rs != nil {
		if i := rs.Find(ref); i >= 0 {
			if name := s.cfg.Product.Own.NameOf(&rs.Rules[i]); name != "" {
				return name
			}
		}
	}
	return ref // it was removed, or has none
}

func (s *Server) ruleVersions(w http.ResponseWriter, r *http.Request) error {
	return s.versions(w, ruleKind, s.ownName(r.PathValue("id")))
}

func (s *Server) ruleVersion(w http.ResponseWriter, r *http.Request) error {
	return s.version(w, r, ruleKind, s.ownName(r.PathValue("id")))
}
