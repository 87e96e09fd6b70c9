package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/triage"
	"bluetrail/internal/filter"
	"bluetrail/internal/state"
)

// findingDoc is a finding whose lists are lists, even of one value.
type findingDoc struct {
	*finding.Finding
	Mitre      []string         `json:"mitre"`
	Actor      []string         `json:"actor"`
	ActorType  []string         `json:"actor_type"`
	Chain      []string         `json:"actor_chain"`
	ActorClass []string         `json:"actor_class,omitempty"`
	Session    []string         `json:"session_id"`
	Account    []string         `json:"account"`
	Region     []string         `json:"region"`
	SourceIP   []string         `json:"source_ip"`
	EventName  []string         `json:"event_name"`
	Object     []string         `json:"object"`
	UserAgent  []string         `json:"user_agent"`
	Events     *[]finding.Event `json:"events,omitempty"`
	EventIDs   []string         `json:"event_ids,omitempty"`
	Fields     []named          `json:"fields"`
	Status     string           `json:"status"`
	Alert      int64            `json:"alert,omitempty"`
}

// docOf returns a finding as it is sent; whole = with its events.
func docOf(f *finding.Finding, whole bool) *findingDoc {
	d := &findingDoc{
		Finding: f, Mitre: texts(f.Mitre), Actor: texts(f.Actor), ActorType: texts(f.ActorType), Chain: texts(f.Chain), ActorClass: f.ActorClass, Session: texts(f.Session), Account: texts(f.Account),
		Region: texts(f.Region), SourceIP: texts(f.SourceIP), EventName: texts(f.EventName), Object: texts(f.Object), UserAgent: texts(f.UserAgent), Fields: namedOf(f.Fields), Status: f.Status,
	}
	if d.Status == "" {
		d.Status = string(state.StatusOpen)
	}
	if whole {
		events := f.Events
		if events == nil {
			events = []finding.Event{}
		}
		d.Events, d.EventIDs = &events, texts(f.EventIDs)
	}
	return d
}

// readFinding reads a finding of the state, with its mark.
func readFinding(row *state.Finding) (*finding.Finding, error) {
	f := &finding.Finding{}
	body, err := row.Document()
	if err == nil {
		err = json.Unmarshal(body, f)
	}
	if err != nil {
		return nil, fmt.Errorf("finding %q cannot be read: %w", row.ID, err)
	}
	return f, nil
}

// triaged returns what judges findings.
func (s *Server) triaged() (*triage.Desk, error) {
	if s.cfg.Product.Desk == nil {
		return new(triage.Desk), nil
	}
	return s.cfg.Product.Desk()
}

// mostCounted bounds the findings beyond a page that are counted.
const mostCounted = 10_000

func (s *Server) listFindings(w http.ResponseWriter, r *http.Request) error {
	limit, err := number(r, "limit", 100, 1, 1000)
	if err != nil {
		return err
	}
	since, until, err := between(r)
	if err != nil {
		return err
	}
	least, exact, err := severities(r.FormValue("severity"))
	if err != nil {
		return err
	}
	status := r.FormValue("status")
	if status != "" && !slices.Contains([]string{"open", "true", "false"}, status) {
		return badRequest("status=%q is not known: use open, true or false", status)
	}
	quiet, err := yes(r, "quiet")
	if err != nil {
		return err
	}
	q := state.FindingQuery{Earliest: math.MinInt64, Latest: math.MaxInt64, Severity: least, Newest: true}
	if !since.IsZero() {
		q.Earliest = since.UnixNano()
	}
	if !until.IsZero() {
		q.Latest = until.UnixNano()
	}
	// A page begins after the finding with the time and ID of the cursor.
	at, id := int64(math.MaxInt64), ""
	if cursor := r.FormValue("cursor"); cursor != "" {
		text, rest, _ := strings.Cut(cursor, "-")
		if at, err = strconv.ParseInt(text, 10, 64); err != nil || rest == "" {
			return badCursor(cursor)
		}
		id = rest
		if q.Latest > at {
			q.Latest = at + 1
		}
	}
	rule, entity := filter.Wildcard(r.FormValue("rule"), false), filter.Wildcard(r.FormValue("entity"), false)
	byRule, byEntity := r.FormValue("rule") != "", r.FormValue("entity") != ""
	desk, err := s.triaged()
	if err != nil {
		return err
	}
	out := struct {
		list[*findingDoc]
		Quiet int `json:"quiet,omitempty"`
	}{list: list[*findingDoc]{Items: []*findingDoc{}}}
	err = s.cfg.Product.State.Findings(r.Context(), q, func(row *state.Finding) error {
		if id != "" && (row.Time > at || row.Time == at && row.ID >= id) || byEntity && !entity(row.Entity) || len(exact) > 0 && !slices.Contains(exact, row.Severity) {
			return nil
		}
		is := string(row.Status)
		if is == "" {
			is = string(state.StatusOpen)
		}
		if status != "" && is != status {
			return nil
		}
		f, err := readFinding(row)
		if err != nil {
			return err
		}
		if byRule && !rule(f.RuleID) && !rule(f.Rule) && !rule(f.Title) {
			return nil
		}
		if v := desk.Apply(f); v.Quiet != triage.NotQuiet && !quiet {
			out.Quiet++
			return nil
		}
		if f.Severity.Rank() < least {
			return nil
		}
		if out.Total++; len(out.Items) < limit {
			out.Items = append(out.Items, docOf(f, false))
			return nil
		}
		if out.Next == "" {
			last := out.Items[len(out.Items)-1]
			out.Next = strconv.FormatInt(last.Time.UnixNano(), 10) + "-" + last.ID
		}
		if out.Total >= mostCounted {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return ok(w, out)
}

// yes reads a parameter that is true or false.
func yes(r *http.Request, name string) (bool, error) {
	text := r.FormValue(name)
	if text == "" {
		return false, nil
	}
	v, err := strconv.ParseBool(text)
	if err != nil {
		return false, badRequest("%s=%q must be true or false", name, text)
	}
	return v, nil
}

// oneFinding returns the finding that the path names.
func (s *Server) oneFinding(r *http.Request) (*state.Finding, error) {
	text := strings.ToLower(r.PathValue("id"))
	ids, err := s.cfg.Product.State.FindingIDs(text, 5)
	switch {
	case err != nil:
		return nil, err
	case len(ids) == 0:
		return nil, notFound("finding", r.PathValue("id"))
	case len(ids) > 1 && ids[0] != text:
		return nil, badRequest("several findings begin with %q: %s", text, strings.Join(ids, ", "))
	}
	return s.cfg.Product.State.Finding(ids[0])
}

func (s *Server) getFinding(w http.ResponseWriter, r *http.Request) error {
	row, err := s.oneFinding(r)
	if err != nil {
		return err
	}
	f, err := readFinding(row)
	if err != nil {
		return err
	}
	desk, err := s.triaged()
	if err != nil {
		return err
	}
	desk.Apply(f)
	d := docOf(f, true)
	if d.Alert, err = s.cfg.Product.State.AlertOf(f.ID); err != nil {
		return err
	}
	return ok(w, d)
}

func (s *Server) markFinding(w http.ResponseWriter, r *http.Request) error {
	var c struct {
		Status string  `json:"status"`
		Note   *string `json:"note"`
	}
	if err := decode(w, r, &c); err != nil {
		return err
	}
	switch {
	case !slices.Contains([]string{"open", "true", "false"}, c.Status):
		return badRequest("status=%q is not known: use open, true or false", c.Status)
	case c.Note != nil && len(*c.Note) > state.MaxNote:
		return badRequest("the note has %d bytes; at most %d are kept", len(*c.Note), state.MaxNote)
	}
	row, err := s.oneFinding(r)
	if err != nil {
		return err
	}
	said := c.Status
	if c.Note != nil {
		said += ": " + *c.Note
	}
	err = s.cfg.Product.State.Write(func(tx *state.Tx) error { return tx.PutMark(row.ID, state.Status(c.Status), c.Note) })
	if err == nil {
		err = s.audit(r, "marked", "finding", row.ID, said)
	}
	if err != nil {
		return err
	}
	return s.getFinding(w, r)
}
