package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"bluetrail/internal/auth"
	"bluetrail/internal/config"
	"bluetrail/internal/state"
)

// withPeople returns an API with the accounts admin and vera, a viewer, whose password
// is phrase.
func withPeople(t *testing.T) (http.Handler, *auth.People) {
	t.Helper()
	db, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	p, err := auth.New(db, auth.Options{Auth: config.Default().Auth})
	if err != nil {
		t.Fatal(err)
	}
	for name, role := range map[string]auth.Role{"admin": auth.Admin, "vera": auth.Viewer} {
		if _, _, err := p.AddUser(t.Context(), "root", name, role, phrase); err != nil {
			t.Fatal(err)
		}
	}
	return New(Config{People: p, Identify: p.Identify}), p
}

const phrase = "four plain phrase here"

// by sends requests as whoever has a cookie, and checks them against openapi.yaml.
func by(h http.Handler, cookie *http.Cookie) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = "localhost"
		if cookie != nil {
			r.AddCookie(cookie)
		}
		h.ServeHTTP(w, r)
	})
}

func signedIn(t *testing.T, h http.Handler, name string) http.Handler {
	t.Helper()
	w := ask(t, by(h, nil), "POST", "/api/v1/session", map[string]string{"name": name, "password": phrase})
	if w.Code != http.StatusOK || len(w.Result().Cookies()) != 1 {
		t.Fatal(w.Code, w.Body)
	}
	return by(h, w.Result().Cookies()[0])
}

// withToken sends requests with a new token of an administrator.
func withToken(t *testing.T, h, admin http.Handler) http.Handler {
	t.Helper()
	made := read[struct{ Secret string }](t, ask(t, admin, "POST", "/api/v1/tokens", map[string]any{"name": "script", "role": "admin"}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+made.Secret)
		by(h, nil).ServeHTTP(w, r)
	})
}

// TestPeople walks through users, tokens, sessions and the audit log; all answers are as
// openapi.yaml says.
func TestPeople(t *testing.T) {
	h, p := withPeople(t)
	if w := ask(t, by(h, nil), "POST", "/api/v1/session", map[string]string{"name": "vera", "password": "wrong"}); w.Code != 401 || problem(t, w).Code != "bad_login" {
		t.Error(w.Code, w.Body)
	}
	admin, vera := signedIn(t, h, "admin"), signedIn(t, h, "vera")
	made := read[withPassword](t, ask(t, admin, "POST", "/api/v1/users", map[string]string{"name": "Bob", "role": "analyst"}))
	if made.User.Name != "bob" || made.Password == "" {
		t.Errorf("%+v", made)
	}
	role := "engineer"
	read[auth.User](t, ask(t, admin, "POST", "/api/v1/users/bob", map[string]*string{"role": &role}))
	token := read[struct {
		Token  auth.Token
		Secret string
	}](t, ask(t, vera, "POST", "/api/v1/tokens", map[string]any{"name": "x", "role": "viewer", "areas": []string{"people"}}))
	script := withToken(t, h, admin)
	for _, c := range []struct {
		as           http.Handler
		method, path string
		body         any
		want         int
		code         string
	}{
		{script, "GET", "/api/v1/users", nil, 200, ""},
		{script, "POST", "/api/v1/tokens", map[string]any{"name": "y", "role": "admin"}, 403, "needs_session"},
		{script, "POST", "/api/v1/users", map[string]string{"name": "carol", "role": "admin"}, 403, "needs_session"},
		{script, "POST", "/api/v1/users/vera", map[string]string{"role": "admin"}, 403, "needs_session"},
		{script, "POST", "/api/v1/users/admin/password", nil, 403, "needs_session"},
		{admin, "GET", "/api/v1/session", nil, 200, ""},
		{admin, "GET", "/api/v1/session/methods", nil, 200, ""},
		{admin, "GET", "/api/v1/users", nil, 200, ""},
		{admin, "GET", "/api/v1/users/bob", nil, 200, ""},
		{admin, "GET", "/api/v1/users/nobody", nil, 404, "not_found"},
		{admin, "POST", "/api/v1/users", map[string]string{"name": "<b>", "role": "viewer"}, 400, "bad_name"},
		{admin, "POST", "/api/v1/users", map[string]string{"name": "bob", "role": "viewer"}, 409, "conflict"},
		{admin, "POST", "/api/v1/users", map[string]string{"name": "carol", "role": "root"}, 400, "bad_request"},
		{admin, "POST", "/api/v1/users", `{"name":"carol","rol":"viewer"}`, 400, "bad_request"},
		{admin, "POST", "/api/v1/users/bob/password", nil, 200, ""},
		{admin, "DELETE", "/api/v1/users/admin", nil, 409, "conflict"},
		{admin, "GET", "/api/v1/tokens?user=*", nil, 200, ""},
		{admin, "GET", "/api/v1/sessions?user=vera", nil, 200, ""},
		{admin, "GET", "/api/v1/audit?limit=2&kind=user&q=ENGINEER", nil, 200, ""},
		{admin, "GET", "/api/v1/audit?since=yesterday", nil, 400, "bad_request"},
		{admin, "GET", "/api/v1/audit?cursor=x", nil, 400, "bad_request"},
		{vera, "GET", "/api/v1/people", nil, 200, ""},
		{vera, "GET", "/api/v1/users", nil, 403, "forbidden"},
		{vera, "GET", "/api/v1/audit", nil, 403, "forbidden"},
		{vera, "GET", "/api/v1/tokens", nil, 200, ""},
		{vera, "GET", "/api/v1/tokens?user=admin", nil, 403, "forbidden"},
		{vera, "GET", "/api/v1/sessions?user=*", nil, 403, "forbidden"},
		{vera, "DELETE", "/api/v1/sessions?user=admin", nil, 403, "forbidden"},
		{vera, "POST", "/api/v1/tokens", map[string]any{"name": "x", "role": "admin"}, 400, "bad_request"},
		{vera, "PUT", "/api/v1/session/settings", map[string]string{"theme": "dark", "timezone": "Europe/Berlin"}, 200, ""},
		{vera, "PUT", "/api/v1/session/settings", map[string]string{"timezone": "../../etc/passwd"}, 400, "bad_request"},
		{vera, "POST", "/api/v1/session/password", map[string]string{"current": "wrong", "new": phrase + "!"}, 400, "wrong_password"},
		{vera, "POST", "/api/v1/session/passkey/register/begin", map[string]string{"password": phrase}, 200, ""},
		{vera, "POST", "/api/v1/session/passkey/register/finish", map[string]any{"ceremony": "x", "credential": map[string]any{}}, 400, "bad_passkey"},
		{vera, "GET", "/api/v1/passkeys", nil, 200, ""},
		{vera, "DELETE", "/api/v1/passkeys/x", nil, 404, "not_found"},
		{by(h, nil), "POST", "/api/v1/session/passkey/login/begin", nil, 200, ""},
		{by(h, nil), "GET", "/api/v1/session/oidc/start", nil, 404, "not_found"},
		{by(h, nil), "GET", "/api/v1/session", nil, 401, "unauthorized"},
		{vera, "DELETE", "/api/v1/tokens/" + token.Token.ID, nil, 204, ""},
		{vera, "DELETE", "/api/v1/sessions", nil, 204, ""},
		{vera, "POST", "/api/v1/session/password", map[string]string{"current": phrase, "new": phrase + "!"}, 200, ""},
		{vera, "GET", "/api/v1/session", nil, 401, "unauthorized"}, // the new cookie counts
		{admin, "DELETE", "/api/v1/users/bob", nil, 204, ""},
		{admin, "DELETE", "/api/v1/session", nil, 204, ""},
		{admin, "GET", "/api/v1/session", nil, 401, "unauthorized"},
	} {
		w := ask(t, c.as, c.method, c.path, c.body)
		if w.Code != c.want || c.code != "" && problem(t, w).Code != c.code {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.path, w.Code, w.Body, c.want, c.code)
		}
	}
	log, total, err := p.Audit(t.Context(), state.AuditFilter{Action: "refused", Kind: "request", Limit: 10})
	if err != nil || total != 2 || log[0].Who != "vera" {
		t.Errorf("%+v %d %v", log, total, err)
	}
}

// TestCrossSite: what another site makes a browser send changes nothing.
func TestCrossSite(t *testing.T) {
	h, _ := withPeople(t)
	vera := signedIn(t, h, "vera")
	for head, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example.com"} {
		for _, call := range []string{"DELETE /api/v1/session", "POST /api/v1/session", "POST /api/v1/tokens", "PUT /api/v1/session/settings"} {
			method, path, _ := strings.Cut(call, " ")
			r := httptest.NewRequest(method, path, strings.NewReader("{}"))
			r.Header.Set(head, value)
			w := httptest.NewRecorder()
			vera.ServeHTTP(w, r)
			if w.Code != http.StatusForbidden || problem(t, w).Code != "cross_origin" {
				t.Errorf("%s with %s: %d %s", call, head, w.Code, w.Body)
			}
		}
	}
	if w := ask(t, vera, "GET", "/api/v1/session", nil); w.Code != http.StatusOK {
		t.Error(w.Code)
	}
}

// TestAreas: each path that a role is needed for has an area that tokens can be limited to.
func TestAreas(t *testing.T) {
	for _, r := range (&Server{}).routes() {
		_, path, _ := strings.Cut(r.pattern, " ")
		if _, known := auth.Area(path); !known {
			t.Errorf("%s has no area; give it one in internal/auth/scope.go", path)
		}
	}
}
