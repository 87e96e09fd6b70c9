package auth

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/config"
)

// provider is an identity provider: it answers the next code with the claims of the
// test, signed with its key unless sign says otherwise.
type provider struct {
	*httptest.Server
	t      *testing.T
	key    *rsa.PrivateKey
	claims map[string]any
	sign   func(claims map[string]any) string
	info   map[string]any // of the user information, nil = none

	challenge, nonce string
}

var b64 = base64.RawURLEncoding.EncodeToString

func jsonOf(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

func newProvider(t *testing.T) *provider {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{t: t, key: key}
	p.sign = func(c map[string]any) string { return p.token(p.key, c) }
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(jsonOf(v))
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/auth", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys", "userinfo_endpoint": p.URL + "/me",
			"id_token_signing_alg_values_supported": []string{"RS256", "none", "HS256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"keys": []any{map[string]string{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": b64(key.N.Bytes()), "e": "AQAB"}}})
	})
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, _ *http.Request) {
		if p.info == nil {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		answer(w, p.info)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if b64(sum[:]) != p.challenge || r.FormValue("code") != "the code" {
			http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			return
		}
		claims := map[string]any{
			"iss": p.URL, "aud": "bluetrail", "sub": "7", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(), "nonce": p.nonce,
			"preferred_username": "Carol", "groups": []string{"soc", "staff"},
		}
		maps.Copy(claims, p.claims)
		answer(w, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": p.sign(claims)})
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) token(key *rsa.PrivateKey, claims map[string]any) string {
	text := b64([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + b64(jsonOf(claims))
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		p.t.Fatal(err)
	}
	return text + "." + b64(signature)
}

// signIn walks the whole way, and returns the code of the refusal.
func (p *provider) signIn(people *People, change func(q url.Values, c *http.Cookie)) (secret, next, code string) {
	p.t.Helper()
	peer := from("192.0.2.1")
	to, cookie, err := people.BeginSSO(p.t.Context(), "#/alerts?status=new", peer)
	if err != nil {
		p.t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		p.t.Fatal(err)
	}
	q := u.Query()
	p.challenge, p.nonce = q.Get("code_challenge"), q.Get("nonce")
	if q.Get("code_challenge_method") != "S256" || q.Get("redirect_uri") != "https://trail.example.com"+CallbackPath || q.Get("client_id") != "bluetrail" || !strings.Contains(q.Get("scope"), "openid") {
		p.t.Error(to)
	}
	back := url.Values{"state": {q.Get("state")}, "code": {"the code"}}
	if change != nil {
		change(back, cookie)
	}
	r := httptest.NewRequest("GET", CallbackPath+"?"+back.Encode(), nil)
	r.AddCookie(cookie)
	secret, next, err = people.FinishSSO(r, peer)
	return secret, next, refusal(err)
}

func withOIDC(p *provider, change func(*config.OIDC)) func(*Options) {
	return func(o *Options) {
		o.Auth.OIDC = &config.OIDC{
			Issuer: p.URL, ClientID: "bluetrail", URL: "https://trail.example.com/", Roles: map[string]string{"soc": "analyst", "leads": "admin"},
		}
		if change != nil {
			change(o.Auth.OIDC)
		}
	}
}

// TestSSO: who comes back with a good token has the role of the groups.
func TestSSO(t *testing.T) {
	idp := newProvider(t)
	p := open(t, t.TempDir(), withOIDC(idp, nil))
	secret, next, code := idp.signIn(p, nil)
	expect(t, "sign-in", code, "")
	expect(t, "next", next, "#/alerts?status=new")
	expect(t, "session", p.whoIs(anyPath, secret), "carol analyst")
	_, err := p.SignIn(t.Context(), "carol", "", from("192.0.2.1"))
	expect(t, "password", refusal(err), "bad_login")

	idp.claims = map[string]any{"groups": []string{"leads", "soc"}, "preferred_username": "carol.new"}
	again, _, code := idp.signIn(p, nil)
	expect(t, "another role", code+p.whoIs(anyPath, again), "carol admin")
	expect(t, "the session before", p.whoIs(anyPath, secret), "nobody")

	for what, c := range map[string]struct {
		claims map[string]any
		want   string
	}{
		"no group":                    {map[string]any{"groups": []string{"staff"}}, "sso_no_role"},
		"groups of another kind":      {map[string]any{"groups": map[string]any{"soc": true}}, "sso_no_role"},
		"no group, new":               {map[string]any{"groups": "staff", "sub": "8", "preferred_username": "dave"}, "sso_no_role"},
		"the name of a local account": {map[string]any{"sub": "9", "preferred_username": "alice"}, "sso_taken"},
		"a name of another":           {map[string]any{"sub": "9", "preferred_username": "carol"}, "sso_taken"},
		"a hostile name":              {map[string]any{"sub": "9", "preferred_username": "<img src=x>"}, "sso_bad_name"},
		"a group as text":             {map[string]any{"groups": "soc", "sub": "10", "preferred_username": "erin"}, ""},
	} {
		idp.claims = c.claims
		_, _, code := idp.signIn(p, nil)
		expect(t, what, code, c.want)
	}
	yes := true
	must[*User](t)(p.ChangeUser("root", "erin", Change{Disabled: &yes}))
	idp.claims = map[string]any{"groups": "soc", "sub": "10", "preferred_username": "erin"}
	_, _, code = idp.signIn(p, nil)
	expect(t, "disabled", code, "sso_disabled")

	// What the token lacks is in the user information, of the same person only.
	idp.claims = map[string]any{"groups": nil, "sub": "11", "preferred_username": "frank"}
	idp.info = map[string]any{"sub": "12", "groups": []string{"leads"}}
	_, _, code = idp.signIn(p, nil)
	expect(t, "information about another", code, "sso_failed")
	idp.info["sub"] = "11"
	secret, _, code = idp.signIn(p, nil)
	expect(t, "information", code+p.whoIs(anyPath, secret), "frank admin")
}

// TestSSORefused: tokens and ways back that are not good.
func TestSSORefused(t *testing.T) {
	idp := newProvider(t)
	p := open(t, t.TempDir(), withOIDC(idp, func(o *config.OIDC) { o.NameClaim = "email"; o.DefaultRole = "viewer" }))
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	idp.info = map[string]any{"sub": "7"}
	unsigned := func(head string) func(map[string]any) string {
		return func(c map[string]any) string { return b64([]byte(head)) + "." + b64(jsonOf(c)) + "." }
	}
	base := map[string]any{"email": "carol@example.com", "groups": []string{}}
	for what, c := range map[string]struct {
		claims map[string]any
		sign   func(map[string]any) string
		change func(url.Values, *http.Cookie)
		want   string
	}{
		"good":            {nil, nil, nil, ""},
		"wrong nonce":     {map[string]any{"nonce": "another"}, nil, nil, "sso_failed"},
		"no nonce":        {map[string]any{"nonce": ""}, nil, nil, "sso_failed"},
		"expired":         {map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}, nil, nil, "sso_failed"},
		"wrong audience":  {map[string]any{"aud": "another"}, nil, nil, "sso_failed"},
		"wrong issuer":    {map[string]any{"iss": "https://evil.example.com"}, nil, nil, "sso_failed"},
		"alg none":        {nil, unsigned(`{"alg":"none"}`), nil, "sso_failed"},
		"alg HS256":       {nil, unsigned(`{"alg":"HS256","kid":"1"}`), nil, "sso_failed"},
		"another's key":   {nil, func(m map[string]any) string { return idp.token(other, m) }, nil, "sso_failed"},
		"no token":        {nil, func(map[string]any) string { return "" }, nil, "sso_failed"},
		"changed":         {nil, func(m map[string]any) string { s := idp.token(idp.key, m); return strings.Replace(s, ".", ".e30", 1) }, nil, "sso_failed"},
		"not verified":    {map[string]any{"email_verified": false, "sub": "new", "email": "dan@example.com"}, nil, nil, "sso_failed"},
		"wrong state":     {nil, nil, func(q url.Values, _ *http.Cookie) { q.Set("state", "x") }, "sso_state"},
		"no state":        {nil, nil, func(q url.Values, _ *http.Cookie) { q.Del("state") }, "sso_state"},
		"another browser": {nil, nil, func(_ url.Values, c *http.Cookie) { c.Value = "x" }, "sso_state"},
		"wrong code":      {nil, nil, func(q url.Values, _ *http.Cookie) { q.Set("code", "x") }, "sso_failed"},
		"refused by them": {nil, nil, func(q url.Values, _ *http.Cookie) { q.Set("error", "access_denied") }, "sso_failed"},
	} {
		idp.claims = maps.Clone(base)
		maps.Copy(idp.claims, c.claims)
		idp.sign = func(m map[string]any) string { return idp.token(idp.key, m) }
		if c.sign != nil {
			idp.sign = c.sign
		}
		if what == "not verified" {
			idp.info = map[string]any{"sub": "new"}
			c.want = "sso_bad_name"
		}
		secret, _, code := idp.signIn(p, c.change)
		idp.info = map[string]any{"sub": "7"}
		expect(t, what, code, c.want)
		if (secret != "") != (c.want == "") {
			t.Error(what, "a session in spite of it")
		}
	}
	// A way back is good once.
	idp.claims = maps.Clone(base)
	idp.sign = func(m map[string]any) string { return idp.token(idp.key, m) }
	var again url.Values
	var cookie *http.Cookie
	if _, _, code := idp.signIn(p, func(q url.Values, c *http.Cookie) { again, cookie = q, c }); code != "" {
		t.Error(code)
	}
	r := httptest.NewRequest("GET", CallbackPath+"?"+again.Encode(), nil)
	r.AddCookie(cookie)
	_, _, err = p.FinishSSO(r, from("192.0.2.1"))
	expect(t, "again", refusal(err), "sso_state")

	idp.Close()
	fresh := open(t, t.TempDir(), withOIDC(idp, nil))
	_, _, err = fresh.BeginSSO(t.Context(), "", from("192.0.2.1"))
	expect(t, "unreachable", refusal(err), "sso_failed")
	_, _, err = open(t, t.TempDir()).BeginSSO(t.Context(), "", from("192.0.2.1"))
	expect(t, "none", refusal(err), "not_found")
}

// TestPlace: a sign-in never leads to another site.
func TestPlace(t *testing.T) {
	for in, want := range map[string]string{
		"#/alerts?x=1": "#/alerts?x=1", "": "", "//evil.example.com": "", "https://evil.example.com": "", "#//x\r\nSet-Cookie: a=b": "", "javascript:alert(1)": "", "#/\\x": "", "/x": "",
		"#/" + strings.Repeat("a", 3000): "",
	} {
		expect(t, fmt.Sprintf("%.30q", in), place(in), want)
	}
}
