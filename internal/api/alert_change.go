package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"bluetrail/internal/alert"
	"bluetrail/internal/state"
)

// alertChange is what somebody does to alerts. nil leaves things as they are.
type alertChange struct {
	Status   *string `json:"status"`
	Verdict  *string `json:"verdict"`
	Assignee *string `json:"assignee"`
	Comment  *string `json:"comment"`
}

// maxPerson bounds the name of whom an alert is assigned to, in bytes.
const maxPerson = 200

// act returns what is to be done.
func (c *alertChange) act(who string) (act alert.Act, err error) {
	act.Who = who
	if c.Verdict != nil {
		if act.Close = alert.Verdict(*c.Verdict); !slices.Contains(alert.Verdicts, act.Close) {
			e := badRequest("verdict=%q is not known", *c.Verdict)
			e.Hint = "use true, benign, false or duplicate"
			return act, e
		}
	}
	if c.Status != nil {
		switch alert.Status(*c.Status) {
		case alert.InProgress:
			if act.Close != "" {
				return act, badRequest("an alert in progress has no verdict")
			}
			act.Reopen, act.Begin = true, true
		case alert.Closed:
			if act.Close == "" {
				e := badRequest("closing an alert needs a verdict")
				e.Hint = "send verdict: true, benign, false or duplicate"
				return act, e
			}
		default:
			e := badRequest("status=%q cannot be set", *c.Status)
			e.Hint = "use in_progress or closed; only bluetrail makes alerts new"
			return act, e
		}
	}
	if c.Assignee != nil {
		if len(*c.Assignee) > maxPerson {
			return act, badRequest("the name of the assignee is longer than %d bytes", maxPerson)
		}
		act.Assign = c.Assignee
	}
	if c.Comment != nil {
		act.Comment = strings.TrimSpace(*c.Comment)
		if len(act.Comment) > alert.MaxComment {
			return act, badRequest("the comment has %d bytes; at most %d are kept", len(act.Comment), alert.MaxComment)
		}
	}
	if act.Close == "" && act.Assign == nil && !act.Reopen && act.Comment == "" {
		e := badRequest("nothing is to be changed")
		e.Hint = "send status, verdict, assignee or comment"
		return act, e
	}
	return act, nil
}

func (s *Server) changeAlert(w http.ResponseWriter, r *http.Request) error {
	var c alertChange
	if err := decode(w, r, &c); err != nil {
		return err
	}
	act, err := c.act(user(r))
	if err != nil {
		return err
	}
	id, err := s.alertID(r)
	if err != nil {
		return err
	}
	var a *alert.Alert
	err = s.cfg.Product.State.Write(func(tx *state.Tx) (err error) {
		a, _, err = alert.Apply(tx, s.cfg.Product.Queue, id, act) // which audits
		return err
	})
	if errors.Is(err, alert.ErrGone) {
		return notFound("alert", r.PathValue("id"))
	}
	if err != nil {
		return err
	}
	return s.answerAlert(w, a)
}

// atOnce is how many alerts a transaction changes: ingest waits for it.
const atOnce = 100

// mostNamed bounds the alerts that one request names.
const mostNamed = 10_000

func (s *Server) changeAlerts(w http.ResponseWriter, r *http.Request) error {
	var c struct {
		IDs    []string     `json:"ids"`
		Filter *alertFilter `json:"filter"`
		Change alertChange  `json:"change"`
		Dry    bool         `json:"dry_run"`
	}
	if err := decode(w, r, &c); err != nil {
		return err
	}
	act, err := c.Change.act(user(r))
	if err != nil {
		return err
	}
	var ids []string
	switch {
	case c.Filter != nil && len(c.IDs) > 0, c.Filter == nil && len(c.IDs) == 0:
		return badRequest("choose alerts by ids or by a filter; {} is the filter for all")
	case len(c.IDs) > mostNamed:
		return badRequest("at most %d alerts can be named; use a filter", mostNamed)
	case c.Filter != nil:
		err = s.eachAlert(r, *c.Filter, func(a *state.Alert) error { ids = append(ids, a.ID); return nil })
	default:
		for _, text := range c.IDs { // all are looked up before one is changed
			id, err := s.findAlert(text)
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
	}
	if err != nil {
		return err
	}
	changed := 0
	if !c.Dry {
		for part := range slices.Chunk(ids, atOnce) {
			if r.Context().Err() != nil {
				return r.Context().Err()
			}
			did := 0
			err := s.cfg.Product.State.Write(func(tx *state.Tx) error {
				did = 0
				for _, id := range part {
					_, some, err := alert.Apply(tx, s.cfg.Product.Queue, id, act)
					if errors.Is(err, alert.ErrGone) {
						continue // retention removed it meanwhile
					}
					if err != nil {
						return err
					}
					if some {
						did++
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			changed += did
		}
		chosen, _ := json.Marshal(c.Filter)
		if c.Filter == nil {
			chosen = []byte("named ones")
		}
		if err := s.audit(r, "changed", "alert", "", fmt.Sprintf("%s of %s chosen by %s", plural(changed, "alert"), plural(len(ids), "alert"), chosen)); err != nil {
			return err
		}
	}
	return ok(w, map[string]int{"matched": len(ids), "changed": changed})
}
