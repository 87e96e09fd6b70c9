package api

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/config"
	"bluetrail/internal/enrich"
	"bluetrail/internal/leftover"
	"bluetrail/internal/state"

	"github.com/goccy/go-yaml"
)

// suppression keeps a rule quiet about somebody for a time. They are kept as documents;
// the entries of the allow-list that work are made from them.
type suppression struct {
	ID        string    `json:"id"`
	RuleID    string    `json:"rule_id"`
	Rule      string    `json:"rule"`
	Actors    []string  `json:"actors"`
	Addresses []string  `json:"addresses"`
	Reason    string    `json:"reason"`
	Owner     string    `json:"owner"`
	Alert     int64     `json:"alert,omitempty"`
	Created   time.Time `json:"created"`
	Expires   time.Time `json:"expires"`
	Holds     bool      `json:"holds"`
}

// suppressionKind is the kind of their documents.
const suppressionKind = "suppression"

// longestSuppression is how far away the end may be.
const longestSuppression = 366 * 24 * time.Hour

func (s *Server) suppressions() (all []suppression, err error) {
	list, err := s.cfg.Product.State.Documents(suppressionKind, true)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	for _, d := range list {
		var x suppression
		if err := json.Unmarshal(d.Body, &x); err != nil {
			return nil, err
		}
		x.Holds = x.Expires.After(now)
		all = append(all, x)
	}
	slices.SortFunc(all, func(x, y suppression) int { return cmp.Or(y.Expires.Compare(x.Expires), cmp.Compare(x.ID, y.ID)) })
	return all, nil
}

// suppressed returns what keeps the rule of an alert quiet about its entity, nil for
// nothing.
func (s *Server) suppressed(a *alert.Alert) (*suppression, error) {
	all, err := s.suppressions()
	if err != nil {
		return nil, err
	}
	for i := range all {
		x := &all[i]
		if x.Holds && x.RuleID == a.RuleID && (x.Alert == a.Number || slices.Contains(x.Actors, a.Entity) || slices.Contains(x.Addresses, a.Entity)) {
			return x, nil
		}
	}
	return nil, nil
}

func (s *Server) listSuppressions(w http.ResponseWriter, r *http.Request) error {
	all, err := s.suppressions()
	if err != nil {
		return err
	}
	return ok(w, listOf(all))
}

func (s *Server) suppressAlert(w http.ResponseWriter, r *http.Request) error {
	var c struct {
		Reason string    `json:"reason"`
		Until  time.Time `json:"until"`
		Close  bool      `json:"close"`
	}
	if err := decode(w, r, &c); err != nil {
		return err
	}
	c.Reason = strings.TrimSpace(c.Reason)
	now := time.Now().UTC()
	switch {
	case c.Reason == "" || len(c.Reason) > 1000:
		return badRequest("say why, in at most 1000 bytes")
	case !c.Until.After(now):
		return badRequest("until must be in the future")
	case c.Until.Sub(now) > longestSuppression:
		return badRequest("until may be at most a year away; nothing is to be quiet for ever")
	case s.cfg.Product.Allow == "":
		return lacking("suppressions")
	}
	a, err := s.readAlert(r)
	if err != nil {
		return err
	}
	x := suppression{
		ID: strings.ToLower(rand.Text()[:12]), RuleID: a.RuleID, Rule: a.Rule, Actors: []string{}, Addresses: []string{}, Reason: c.Reason, Owner: user(r), Alert: a.Number,
		Created: now.Truncate(time.Second), Expires: c.Until.UTC().Truncate(time.Second), Holds: true,
	}
	switch _, bad := netip.ParseAddr(a.Entity); {
	case a.RuleID == alert.RiskRule || a.RuleID == alert.HealthRule:
		return unprocessable("no_rule", "the alert is not of a rule, but of risk or of bluetrail itself")
	case a.EntityKind == "actor":
		x.Actors = []string{a.Entity}
	case a.EntityKind == "address" && bad == nil:
		x.Addresses = []string{a.Entity}
	case len(a.Actor) > 0:
		x.Actors = texts(a.Actor)
	default:
		e := unprocessable("nobody", "the alert names neither an actor nor an address")
		e.Hint = "propose a filter instead, or switch the rule off"
		return e
	}
	if slices.ContainsFunc(x.Actors, func(name string) bool { return strings.Contains(name, "*") }) { // who makes events chooses names, and * stands for any text
		return unprocessable("cannot_suppress", "the name of the actor contains *, which would keep the rule quiet about others, too")
	}
	if _, err := enrich.NewAllow(x.Addresses, x.Actors, []string{x.RuleID}, x.Reason, x.Owner, x.Expires.Format(time.RFC3339)); err != nil {
		return unprocessable("cannot_suppress", "this cannot be suppressed: %v", err)
	}
	body, err := json.Marshal(x)
	if err != nil {
		return err
	}
	err = s.cfg.Product.State.Write(func(tx *state.Tx) error {
		if err := tx.PutDocument(&state.Document{Kind: suppressionKind, ID: x.ID, Who: x.Owner, Note: x.Reason, Body: body}, 0); err != nil {
			return err
		}
		if err := tx.Audit(state.Action{Who: x.Owner, Action: "suppressed", Kind: "alert", Object: a.ID, Text: "until " + x.Expires.Format(time.RFC3339) + ": " + x.Reason}); err != nil {
			return err
		}
		if c.Close {
			_, _, err := alert.Apply(tx, s.cfg.Product.Queue, a.ID, alert.Act{Who: x.Owner, Close: alert.Benign})
			return err
		}
		return nil
	})
	if err == nil {
		err = s.writeAllow()
	}
	if err == nil {
		err = s.audit(r, "created", suppressionKind, x.ID, x.Rule+": "+x.Reason)
	}
	if err != nil {
		return err
	}
	return ok(w, x)
}

func (s *Server) endSuppression(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	d, err := s.cfg.Product.State.Document(suppressionKind, id)
	if err != nil {
		return err
	}
	if d == nil {
		return notFound("suppression", id)
	}
	err = s.cfg.Product.State.Write(func(tx *state.Tx) error {
		return tx.PutDocument(&state.Document{Kind: suppressionKind, ID: id, Who: user(r), Gone: true}, -1)
	})
	if err == nil {
		err = s.writeAllow()
	}
	if err == nil {
		err = s.audit(r, "ended", suppressionKind, id, d.Note)
	}
	if err != nil {
		return err
	}
	return none(w)
}

// writeAllow writes the allow-list of the suppressions that hold, and has it read.
func (s *Server) writeAllow() error {
	s.allow.Lock()
	defer s.allow.Unlock()
	all, err := s.suppressions()
	if err != nil {
		return err
	}
	entries := []config.Allow{}
	for _, x := range all {
		if x.Holds {
			entries = append(entries, config.Allow{Addresses: x.Addresses, Actors: x.Actors, Rules: []string{x.RuleID}, Reason: x.Reason, Owner: x.Owner, Expires: x.Expires.Format(time.RFC3339)})
		}
	}
	text, err := yaml.Marshal(entries)
	if err != nil {
		return err
	}
	if err := leftover.ReplaceWith(filepath.Dir(s.cfg.Product.Allow), filepath.Base(s.cfg.Product.Allow), text); err != nil {
		return err
	}
	if l := s.cfg.Product.Lists; l != nil {
		return l.Reload()
	}
	return nil
}
