package api

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"bluetrail/internal/auth"
	"bluetrail/internal/state"
)

func (s *Server) userRoutes() []route {
	return []route{
		{"GET /api/v1/people", auth.Viewer, s.people},
		{"GET /api/v1/users", auth.Admin, s.users},
		{"POST /api/v1/users", auth.Admin, s.addUser},
		{"GET /api/v1/users/{name}", auth.Admin, s.oneUser},
		{"POST /api/v1/users/{name}", auth.Admin, s.changeUser},
		{"DELETE /api/v1/users/{name}", auth.Admin, s.deleteUser},
		{"POST /api/v1/users/{name}/password", auth.Admin, s.resetPassword},
		{"GET /api/v1/tokens", auth.Viewer, s.tokens},
		{"POST /api/v1/tokens", auth.Viewer, s.addToken},
		{"DELETE /api/v1/tokens/{id}", auth.Viewer, s.revokeToken},
		{"GET /api/v1/sessions", auth.Viewer, s.sessions},
		{"DELETE /api/v1/sessions", auth.Viewer, s.endSessions},
		{"DELETE /api/v1/sessions/{id}", auth.Viewer, s.endSession},
		{"GET /api/v1/audit", auth.Admin, s.auditLog},
	}
}

// people lists the names of those who can sign in.
func (s *Server) people(w http.ResponseWriter, _ *http.Request) error {
	all, err := s.cfg.People.Users()
	if err != nil {
		return err
	}
	names := []string{}
	for _, u := range all {
		if !u.Disabled {
			names = append(names, u.Name)
		}
	}
	return ok(w, listOf(names))
}

func (s *Server) users(w http.ResponseWriter, _ *http.Request) error {
	all, err := s.cfg.People.Users()
	if err != nil {
		return err
	}
	return ok(w, listOf(all))
}

// withPassword is a user with a one-time password, which is shown once.
type withPassword struct {
	User     *auth.User `json:"user"`
	Password string     `json:"password"`
}

func parseRole(name string) (auth.Role, error) {
	role, err := auth.ParseRole(name)
	if err != nil {
		return role, badRequest("%s", err)
	}
	return role, nil
}

// needsSession refuses what would let a token that leaks live on: in other tokens, new
// accounts, passwords or roles. command is the way without a browser.
func needsSession(r *http.Request, what, command string) error {
	if who(r).Session != "" {
		return nil
	}
	return &Error{Status: http.StatusForbidden, Code: "needs_session", Message: "a token cannot " + what, Hint: "sign in with a browser, or use " + command}
}

func (s *Server) addUser(w http.ResponseWriter, r *http.Request) error {
	if err := needsSession(r, "add users", "bluetrail user add"); err != nil {
		return err
	}
	var in struct {
		Name string `json:"name"`
		Role string `json:"role"`
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	role, err := parseRole(in.Role)
	if err != nil {
		return err
	}
	u, password, err := s.cfg.People.AddUser(r.Context(), user(r), in.Name, role, "")
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, withPassword{u, password})
}

func (s *Server) oneUser(w http.ResponseWriter, r *http.Request) error {
	u, err := s.cfg.People.User(r.PathValue("name"))
	if err != nil {
		return err
	}
	return ok(w, u)
}

func (s *Server) changeUser(w http.ResponseWriter, r *http.Request) error {
	if err := needsSession(r, "change users", "bluetrail user role, disable or enable"); err != nil {
		return err
	}
	var in struct {
		Role     *string `json:"role"`
		Disabled *bool   `json:"disabled"`
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	c := auth.Change{Disabled: in.Disabled}
	if in.Role != nil {
		role, err := parseRole(*in.Role)
		if err != nil {
			return err
		}
		c.Role = &role
	}
	u, err := s.cfg.People.ChangeUser(user(r), r.PathValue("name"), c)
	if err != nil {
		return err
	}
	return ok(w, u)
}

func (s *Server) deleteUser(w http.ResponseWriter, r *http.Request) error {
	if err := s.cfg.People.DeleteUser(user(r), r.PathValue("name")); err != nil {
		return err
	}
	return none(w)
}

func (s *Server) resetPassword(w http.ResponseWriter, r *http.Request) error {
	if err := needsSession(r, "reset passwords", "bluetrail user passwd"); err != nil {
		return err
	}
	password, err := s.cfg.People.SetPassword(r.Context(), user(r), r.PathValue("name"), "")
	if err != nil {
		return err
	}
	u, err := s.cfg.People.User(r.PathValue("name"))
	if err != nil {
		return err
	}
	return ok(w, withPassword{u, password})
}

// whose returns the user whose things a request is about: one's own unless an admin
// asks for those of somebody else; "" for everybody's.
func whose(r *http.Request) (string, error) {
	asked := r.URL.Query().Get("user")
	me := who(r)
	switch {
	case asked == "" || asked == me.Name:
		return me.Name, nil
	case me.Role < auth.Admin:
		return "", &Error{Status: http.StatusForbidden, Code: "forbidden", Message: "only admins see what belongs to others"}
	case asked == "*":
		return "", nil
	}
	return asked, nil
}

// mine returns whose thing a request may end: one's own, or for admins anybody's, "".
func mine(r *http.Request) string {
	if who(r).Role >= auth.Admin {
		return ""
	}
	return who(r).Name
}

func (s *Server) tokens(w http.ResponseWriter, r *http.Request) error {
	name, err := whose(r)
	if err != nil {
		return err
	}
	all, err := s.cfg.People.Tokens(name)
	if err != nil {
		return err
	}
	return ok(w, listOf(all))
}

func (s *Server) addToken(w http.ResponseWriter, r *http.Request) error {
	if err := needsSession(r, "make tokens", "bluetrail user token add"); err != nil {
		return err
	}
	in := struct {
		Name  string   `json:"name"`
		Role  string   `json:"role"`
		Areas []string `json:"areas"`
		Days  int      `json:"days"`
	}{Days: auth.TokenDays}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	role, err := parseRole(in.Role)
	if err != nil {
		return err
	}
	t, secret, err := s.cfg.People.AddToken(user(r), user(r), auth.NewToken{Name: in.Name, Role: role, Areas: in.Areas, Days: in.Days})
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, struct {
		Token  *auth.Token `json:"token"`
		Secret string      `json:"secret"`
	}{t, secret})
}

func (s *Server) revokeToken(w http.ResponseWriter, r *http.Request) error {
	if err := s.cfg.People.RevokeToken(user(r), mine(r), r.PathValue("id")); err != nil {
		return err
	}
	return none(w)
}

func (s *Server) sessions(w http.ResponseWriter, r *http.Request) error {
	name, err := whose(r)
	if err != nil {
		return err
	}
	all, err := s.cfg.People.Sessions(name, who(r))
	if err != nil {
		return err
	}
	return ok(w, listOf(all))
}

func (s *Server) endSessions(w http.ResponseWriter, r *http.Request) error {
	name, err := whose(r)
	switch {
	case err != nil:
		return err
	case name == "":
		return badRequest("name a user; sessions of all users cannot be ended at once")
	}
	if _, err := s.cfg.People.EndSessions(user(r), name, who(r).Session); err != nil {
		return err
	}
	return none(w)
}

func (s *Server) endSession(w http.ResponseWriter, r *http.Request) error {
	if err := s.cfg.People.EndSession(user(r), mine(r), r.PathValue("id")); err != nil {
		return err
	}
	return none(w)
}

// action is an entry of the audit log.
type action struct {
	ID     int64     `json:"id"`
	Time   time.Time `json:"time"`
	Who    string    `json:"who"`
	Action string    `json:"action"`
	Kind   string    `json:"kind"`
	Object string    `json:"object"`
	Text   string    `json:"text"`
}

// bound reads a query parameter with a time; absent is what it is when it is not there.
func bound(r *http.Request, name string, absent int64) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return absent, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, badRequest("%s=%q must be a time as 2026-01-31T12:00:00Z", name, text)
	}
	return t.UnixMilli(), nil
}

func (s *Server) auditLog(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f := state.AuditFilter{Who: q.Get("who"), Action: q.Get("action"), Kind: q.Get("kind"), Object: q.Get("object"), Text: q.Get("q")}
	var err error
	if f.Since, err = bound(r, "since", 0); err != nil {
		return err
	}
	if f.Until, err = bound(r, "until", math.MaxInt64); err != nil {
		return err
	}
	if f.Limit, err = number(r, "limit", 100, 1, 1000); err != nil {
		return err
	}
	if c := q.Get("cursor"); c != "" {
		if f.Before, err = strconv.ParseInt(c, 10, 64); err != nil || f.Before < 1 {
			return badRequest("cursor=%q must be the next of a page", c)
		}
	}
	rows, total, err := s.cfg.People.Audit(r.Context(), f)
	if err != nil {
		return err
	}
	all := list[action]{Items: []action{}, Total: total}
	for _, a := range rows {
		all.Items = append(all.Items, action{a.ID, time.UnixMilli(a.Time).UTC(), a.Who, a.Action, a.Kind, a.Object, a.Text})
	}
	if len(rows) == f.Limit && rows[len(rows)-1].ID > 1 {
		all.Next = strconv.FormatInt(rows[len(rows)-1].ID, 10)
	}
	return ok(w, all)
}
