package auth

import (
	"net/http/httptest"
	"testing"
	"time"
)

// TestTokens: a ceiling of the role, areas, expiry, revocation, and the ways to send one.
func TestTokens(t *testing.T) {
	p := open(t, t.TempDir())
	now := time.Now()
	p.now = func() time.Time { return now }
	for _, c := range []struct {
		n    NewToken
		want string
	}{
		{NewToken{"", Viewer, nil, 1}, "bad_request"},
		{NewToken{"a\x1b[31m", Viewer, nil, 1}, "bad_request"},
		{NewToken{"x", Admin, nil, 1}, "bad_request"}, // more than alice may
		{NewToken{"x", None, nil, 1}, "bad_request"},
		{NewToken{"x", Viewer, nil, 0}, "bad_request"},
		{NewToken{"x", Viewer, nil, 367}, "bad_request"},
		{NewToken{"x", Viewer, []string{"all"}, 1}, "bad_request"},
	} {
		_, _, err := p.AddToken("root", "alice", c.n)
		expect(t, c.n.Name, refusal(err), c.want)
	}
	_, _, err := p.AddToken("root", "nobody", NewToken{"x", Viewer, nil, 1})
	expect(t, "nobody's", refusal(err), "not_found")
	tok, secret, err := p.AddToken("root", "alice", NewToken{"siem", Viewer, []string{"search", "metrics", "search"}, 1})
	if err != nil || len(tok.Areas) != 2 {
		t.Fatal(tok, err)
	}
	for path, want := range map[string]string{
		"/api/v1/search/jobs": "alice viewer", "/api/v1/search": "alice viewer", "/services/search/jobs/export": "alice viewer", "/api/v1/events/x": "alice viewer", "/metrics": "alice viewer",
		"/api/v1/session": "alice viewer", "/api/v1/alerts": "out_of_scope", "/api/v1/searches": "out_of_scope", "/api/v1/": "out_of_scope", "/api/v1/users": "out_of_scope", "/": "out_of_scope", "/other": "out_of_scope",
	} {
		expect(t, path, p.whoIs(path, secret), want)
	}
	for _, header := range []string{"bearer " + secret, "Splunk " + secret} {
		r := httptest.NewRequest("GET", "/api/v1/search/jobs", nil)
		r.Header.Set("Authorization", header)
		if who, err := p.Identify(r); err != nil || who == nil || who.Via != ViaToken {
			t.Error(header, who, err)
		}
	}
	r := httptest.NewRequest("GET", "/services/search/jobs/export", nil)
	r.SetBasicAuth("anything", secret)
	if who, err := p.Identify(r); err != nil || who == nil {
		t.Error("basic", who, err)
	}
	r.SetBasicAuth("alice", good)
	if _, err := p.Identify(r); err != errBasic {
		t.Error("the password of the user", err)
	}
	// A session's secret is no token, and a token no session.
	session := must[string](t)(p.SignIn(t.Context(), "alice", good, from("192.0.2.1")))
	r = httptest.NewRequest("GET", anyPath, nil)
	r.Header.Set("Authorization", "Bearer "+session)
	_, err = p.Identify(r)
	expect(t, "session as a token", refusal(err), "bad_token")
	r.Header.Set("Authorization", "Bearer "+tokenPrefix+"x")
	_, err = p.Identify(r)
	expect(t, "unknown", refusal(err), "bad_token")
	who := must[*Principal](t)(p.Identify(request("GET", "/api/v1/session", secret)))
	_, err = p.ChangePassword(t.Context(), who, good, good+"!", from("192.0.2.1"))
	expect(t, "password by token", refusal(err), "needs_session")

	yes, no := true, false
	must[*User](t)(p.ChangeUser("root", "alice", Change{Disabled: &yes}))
	expect(t, "disabled", p.whoIs("/api/v1/search/jobs", secret), "bad_token")
	must[*User](t)(p.ChangeUser("root", "alice", Change{Disabled: &no}))
	expect(t, "enabled", p.whoIs("/api/v1/search/jobs", secret), "alice viewer")
	now = now.Add(25 * time.Hour)
	expect(t, "expired", p.whoIs("/api/v1/search/jobs", secret), "bad_token")

	tok, secret, err = p.AddToken("alice", "alice", NewToken{"all", Analyst, nil, 90})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "all", p.whoIs(anyPath, secret), "alice analyst")
	role := Viewer
	must[*User](t)(p.ChangeUser("root", "alice", Change{Role: &role}))
	expect(t, "below the ceiling", p.whoIs(anyPath, secret), "alice viewer")
	expect(t, "by another", refusal(p.RevokeToken("bob", "bob", tok.ID)), "not_found")
	expect(t, "revoked", refusal(p.RevokeToken("alice", "alice", tok.ID)), "")
	expect(t, "after", p.whoIs(anyPath, secret), "bad_token")
	if list := must[[]Token](t)(p.Tokens("alice")); len(list) != 1 || list[0].Used == nil {
		t.Errorf("%+v", list)
	}
}
