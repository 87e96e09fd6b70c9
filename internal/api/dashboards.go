package api

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/auth"
	"bluetrail/internal/dashboard"
	"bluetrail/internal/state"
)

// dashboardKind is the kind of the documents of dashboards.
const dashboardKind = "dashboard"

func (s *Server) dashboardRoutes() []route {
	return []route{
		{"GET /api/v1/dashboards", auth.Viewer, s.listDashboards},
		{"POST /api/v1/dashboards/import", auth.Analyst, s.importDashboard},
		{"GET /api/v1/dashboards/{id}", auth.Viewer, s.getDashboard},
		{"PUT /api/v1/dashboards/{id}", auth.Analyst, s.putDashboard},
		{"DELETE /api/v1/dashboards/{id}", auth.Analyst, s.deleteDashboard},
		{"GET /api/v1/dashboards/{id}/versions", auth.Viewer, s.listDashboardVersions},
		{"GET /api/v1/dashboards/{id}/versions/{version}", auth.Viewer, s.getDashboardVersion},
	}
}

// dashboardInfo is a dashboard in the list.
type dashboardInfo struct {
	ID          string     `json:"id"`
	Title       string     `json:"title"`
	Description string     `json:"description,omitempty"`
	Own         bool       `json:"own"`
	Owner       string     `json:"owner,omitempty"`
	Version     int64      `json:"version"`
	Updated     *time.Time `json:"updated,omitempty"`
	Panels      int        `json:"panels,omitempty"`
	Problem     string     `json:"problem,omitempty"`
}

// dashboardWhole is a dashboard with its text.
type dashboardWhole struct {
	ID          string               `json:"id"`
	Title       string               `json:"title"`
	Description string               `json:"description,omitempty"`
	Own         bool                 `json:"own"`
	Editable    bool                 `json:"editable"`
	Owner       string               `json:"owner,omitempty"`
	Version     int64                `json:"version"`
	Updated     *time.Time           `json:"updated,omitempty"`
	Source      string               `json:"source"`
	Dashboard   *dashboard.Dashboard `json:"dashboard"`
}

// shippedDashboard returns the text of a dashboard that comes with bluetrail, nil for none.
func (s *Server) shippedDashboard(id string) ([]byte, error) {
	if s.cfg.Product.Dashboards == nil || strings.ContainsAny(id, `/\`) {
		return nil, nil
	}
	data, err := fs.ReadFile(s.cfg.Product.Dashboards, id+".yml")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return nil, nil
	}
	return data, err
}

func (s *Server) listDashboards(w http.ResponseWriter, r *http.Request) error {
	all := []dashboardInfo{}
	add := func(id string, data []byte, i dashboardInfo) {
		d, err := dashboard.Parse(data)
		i.ID, i.Title = id, id
		if err != nil {
			i.Problem = err.Error()
		} else {
			i.Title, i.Description, i.Panels = d.Title, d.Description, len(d.Panels())
		}
		all = append(all, i)
	}
	if s.cfg.Product.Dashboards != nil {
		names, err := fs.Glob(s.cfg.Product.Dashboards, "*.yml")
		if err != nil {
			return err
		}
		for _, name := range names {
			data, err := fs.ReadFile(s.cfg.Product.Dashboards, name)
			if err != nil {
				return err
			}
			add(strings.TrimSuffix(name, ".yml"), data, dashboardInfo{})
		}
	}
	docs, err := s.cfg.Product.State.Documents(dashboardKind, true)
	if err != nil {
		return err
	}
	for _, d := range docs {
		add(d.ID, d.Body, dashboardInfo{Own: true, Owner: d.Who, Version: d.Version, Updated: timeOf(time.UnixMilli(d.Time))})
	}
	slices.SortStableFunc(all, func(a, b dashboardInfo) int {
		return cmp.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title))
	})
	return ok(w, listOf(all))
}

// readDashboard returns a dashboard by its id.
func (s *Server) readDashboard(id string) (*dashboardWhole, error) {
	doc, err := s.cfg.Product.State.Document(dashboardKind, id)
	if err != nil {
		return nil, err
	}
	out := &dashboardWhole{ID: id}
	var data []byte
	if doc != nil && !doc.Gone {
		data = doc.Body
		out.Own, out.Editable, out.Owner, out.Version, out.Updated = true, true, doc.Who, doc.Version, timeOf(time.UnixMilli(doc.Time))
	} else if data, err = s.shippedDashboard(id); err != nil {
		return nil, err
	}
	if data == nil {
		return nil, notFound("dashboard", id)
	}
	d, err := dashboard.Parse(data)
	if err != nil {
		return nil, unprocessable("bad_dashboard", "dashboard %q cannot be read: %v", id, err)
	}
	out.Title, out.Description, out.Source, out.Dashboard = d.Title, d.Description, string(data), d
	return out, nil
}

func (s *Server) getDashboard(w http.ResponseWriter, r *http.Request) error {
	d, err := s.readDashboard(r.PathValue("id"))
	if err != nil {
		return err
	}
	return ok(w, d)
}

// putDashboard saves a dashboard. Searches that cannot be parsed are kept: their panels
// say what is wrong, so that an imported dashboard can be mended piece by piece.
func (s *Server) putDashboard(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	var c struct {
		Source  string `json:"source"`
		Version *int64 `json:"version"`
		Note    string `json:"note"`
	}
	if err := decode(w, r, &c); err != nil {
		return err
	}
	d, err := dashboard.Parse([]byte(c.Source))
	if err != nil {
		return unprocessable("bad_dashboard", "%v", err)
	}
	if d.ID != id {
		return badRequest("the dashboard has the id %q, and the path says %q", d.ID, id)
	}
	if len(c.Note) > 1000 {
		return badRequest("the note is longer than 1000 bytes")
	}
	shipped, err := s.shippedDashboard(id)
	if err != nil {
		return err
	}
	if shipped != nil {
		e := unprocessable("shipped", "the dashboard %q comes with bluetrail and cannot be replaced", id)
		e.Hint = "save it under an id of your own"
		return e
	}
	if err := s.mayChangeDashboard(r, id); err != nil {
		return err
	}
	was := int64(-1)
	if c.Version != nil {
		was = *c.Version
	}
	err = s.cfg.Product.State.Write(func(tx *state.Tx) error {
		return tx.PutDocument(&state.Document{Kind: dashboardKind, ID: id, Who: user(r), Note: c.Note, Body: bytes.Clone([]byte(c.Source))}, was)
	})
	if errors.Is(err, state.ErrVersion) {
		return conflict(fmt.Sprintf("the dashboard %q", id))
	}
	if errors.Is(err, state.ErrTooMany) {
		return unprocessable("too_many", "there are too many dashboards; remove some first")
	}
	if err == nil {
		err = s.audit(r, "saved", dashboardKind, id, d.Title)
	}
	if err != nil {
		return err
	}
	return s.getDashboard(w, r)
}

// mayChangeDashboard refuses to change what others made, unless by an engineer. Only the
// maker and engineers write versions, so that whoever wrote one may write another.
func (s *Server) mayChangeDashboard(r *http.Request, id string) error {
	versions, err := s.cfg.Product.State.DocumentVersions(dashboardKind, id)
	if err != nil || len(versions) == 0 {
		return err
	}
	for _, v := range versions { // the newest first
		if mayChange(r, v.Who) {
			return nil
		}
	}
	maker := versions[len(versions)-1].Who
	return &Error{Status: http.StatusForbidden, Code: "forbidden", Message: fmt.Sprintf("the dashboard %q belongs to %s", id, maker), Hint: "save it under an id of your own, or ask an engineer"}
}

func (s *Server) deleteDashboard(w http.ResponseWriter, r *http.Request) error {
	d, err := s.readDashboard(r.PathValue("id"))
	if err != nil {
		return err
	}
	if !d.Own {
		return unprocessable("shipped", "the dashboard %q comes with bluetrail and cannot be removed", d.ID)
	}
	if err := s.mayChangeDashboard(r, d.ID); err != nil {
		return err
	}
	err = s.cfg.Product.State.Write(func(tx *state.Tx) error {
		return tx.PutDocument(&state.Document{Kind: dashboardKind, ID: d.ID, Who: user(r), Gone: true}, d.Version)
	})
	if errors.Is(err, state.ErrVersion) {
		return conflict(fmt.Sprintf("the dashboard %q", d.ID))
	}
	if err == nil {
		err = s.audit(r, "removed", dashboardKind, d.ID, d.Title)
	}
	if err != nil {
		return err
	}
	return none(w)
}

func (s *Server) importDashboard(w http.ResponseWriter, r *http.Request) error {
	var c struct {
		XML string `json:"xml"`
		ID  string `json:"id"`
	}
	if err := decode(w, r, &c); err != nil {
		return err
	}
	know, err := s.cfg.Product.Knowledge()
	if err != nil {
		return err
	}
	d, left, err := dashboard.FromSimpleXML([]byte(c.XML), know)
	if err != nil {
		return unprocessable("bad_dashboard", "the dashboard cannot be imported: %v", err)
	}
	if c.ID != "" {
		d.ID = c.ID
	}
	base := d.ID
	for n := 2; ; n++ {
		_, err := s.readDashboard(d.ID)
		var e *Error
		if errors.As(err, &e) && e.Status == http.StatusNotFound {
			break
		}
		if err != nil && e == nil {
			return err
		}
		d.ID = base + "-" + strconv.Itoa(n)
	}
	text, err := d.Marshal()
	if err != nil {
		return err
	}
	if _, err := dashboard.Parse(text); err != nil {
		return unprocessable("bad_dashboard", "%v", err)
	}
	out := struct {
		ID        string               `json:"id"`
		Source    string               `json:"source"`
		Dashboard *dashboard.Dashboard `json:"dashboard"`
		LeftOut   []string             `json:"left_out"`
	}{d.ID, string(text), d, []string{}}
	for _, l := range left {
		out.LeftOut = append(out.LeftOut, l.String())
	}
	return ok(w, out)
}

// versionInfo is a version of a document.
type versionInfo struct {
	Version int64     `json:"version"`
	Time    time.Time `json:"time"`
	Who     string    `json:"who"`
	Note    string    `json:"note,omitempty"`
	Bytes   int64     `json:"bytes,omitempty"`
	Deleted bool      `json:"deleted,omitempty"`
}

func (s *Server) listDashboardVersions(w http.ResponseWriter, r *http.Request) error {
	return s.versions(w, dashboardKind, r.PathValue("id"))
}

func (s *Server) getDashboardVersion(w http.ResponseWriter, r *http.Request) error {
	return s.version(w, r, dashboardKind, r.PathValue("id"))
}
