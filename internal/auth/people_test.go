package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/state"
)

const good = "four plain words here"

// open returns people of a new database, with the account alice, an analyst.
func open(t *testing.T, dir string, change ...func(*Options)) *People {
	t.Helper()
	db, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	opt := Options{Auth: config.Default().Auth, cost: cost{64, 1, 1}}
	for _, f := range change {
		f(&opt)
	}
	p, err := New(db, opt)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.AddUser(t.Context(), "root", "Alice", Analyst, good); err != nil && refusal(err) != "conflict" {
		t.Fatal(err)
	}
	return p
}

// refusal returns the code of a refusal, "" for none, and the error otherwise.
func refusal(err error) string {
	var r *Refusal
	switch {
	case err == nil:
		return ""
	case errors.As(err, &r):
		return r.Code
	}
	return err.Error()
}

func from(address string) Peer {
	return Peer{Addr: netip.MustParseAddr(address), Host: "localhost:8686"}
}

// request returns a request with a cookie or a token.
func request(method, path, secret string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	switch {
	case strings.HasPrefix(secret, tokenPrefix):
		r.Header.Set("Authorization", "Bearer "+secret)
	case secret != "":
		r.AddCookie(&http.Cookie{Name: cookieName(false), Value: secret})
	}
	return r
}

// who tells whom a request to a path is by, or the code of the refusal.
func (p *People) whoIs(path, secret string) string {
	who, err := p.Identify(request("GET", path, secret))
	switch {
	case err != nil:
		return refusal(err)
	case who == nil:
		return "nobody"
	}
	return who.Name + " " + who.Role.String()
}

const anyPath = "/api/v1/alerts"

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// TestSignIn: what is refused says nothing of why, and the audit log says it.
func TestSignIn(t *testing.T) {
	p := open(t, t.TempDir())
	here := from("192.0.2.1")
	for _, c := range []struct{ name, password, want string }{
		{"alice", good, ""},
		{" ALICE ", good, ""},
		{"alice", "four plain words herE", "bad_login"},
		{"alice", "", "bad_login"},
		{"mallory", good, "bad_login"},
		{"' OR 1=1 --", good, "bad_login"},
		{"<script>alert(1)</script>", good, "bad_login"},
		{"alice\x00", good, "bad_login"},
		{strings.Repeat("a", 5000), good, "bad_login"},
		{"alice", strings.Repeat("x", 5000), "bad_login"},
	} {
		secret, err := p.SignIn(t.Context(), c.name, c.password, here)
		expect(t, fmt.Sprintf("%.20q %.20q", c.name, c.password), refusal(err), c.want)
		if c.want == "" {
			expect(t, "session", p.whoIs(anyPath, secret), "alice analyst")
		} else if err.Error() != errBadLogin.Error() {
			t.Error(err)
		}
	}
	yes := true
	must[*User](t)(p.ChangeUser("root", "alice", Change{Disabled: &yes}))
	_, err := p.SignIn(t.Context(), "alice", good, here)
	expect(t, "disabled", refusal(err), "bad_login")
	list, total, err := p.Audit(t.Context(), state.AuditFilter{Action: "refused", Limit: 10})
	if err != nil || total != 7 {
		t.Error(total, err)
	}
	if list[0].Text != "password from 192.0.2.1: the account is disabled" || list[0].Object != "alice" {
		t.Errorf("%+v", list[0])
	}
	for _, a := range list {
		if strings.ContainsAny(a.Object+a.Who+a.Text, "<'\x00") {
			t.Errorf("what was typed as a name is kept: %+v", a)
		}
	}
}

// TestSessionEnds: by time, by hand, and by what changes the rights of its user.
func TestSessionEnds(t *testing.T) {
	p := open(t, t.TempDir())
	now := time.Now()
	p.now = func() time.Time { return now }
	here := from("192.0.2.1")
	in := func() string { return must[string](t)(p.SignIn(t.Context(), "alice", good, here)) }
	ended := func(what, secret string) {
		t.Helper()
		expect(t, what, p.whoIs(anyPath, secret), "nobody")
	}
	idle := in()
	now = now.Add(11 * time.Hour)
	expect(t, "used", p.whoIs(anyPath, idle), "alice analyst")
	now = now.Add(11 * time.Hour)
	expect(t, "used again", p.whoIs(anyPath, idle), "alice analyst")
	now = now.Add(13 * time.Hour)
	ended("idle", idle)
	long := in()
	for range 14 {
		now = now.Add(11*time.Hour + 59*time.Minute)
		p.whoIs(anyPath, long)
	}
	expect(t, "almost a week", p.whoIs(anyPath, long), "alice analyst")
	now = now.Add(time.Hour)
	ended("a week", long)

	out := in()
	who := must[*Principal](t)(p.Identify(request("GET", anyPath, out)))
	if err := p.SignOut(who, here); err != nil {
		t.Fatal(err)
	}
	ended("signed out", out)
	role := Viewer
	for what, do := range map[string]func() error{
		"role":     func() error { _, err := p.ChangeUser("root", "alice", Change{Role: &role}); return err },
		"password": func() error { _, err := p.SetPassword(t.Context(), "root", "alice", good); return err },
		"all":      func() error { _, err := p.EndSessions("root", "alice", ""); return err },
		"one": func() error {
			list, err := p.Sessions("alice", nil)
			if err != nil || len(list) == 0 {
				return fmt.Errorf("%v %w", list, err)
			}
			for _, s := range list {
				err = errors.Join(err, p.EndSession("root", "alice", s.ID))
			}
			return err
		},
		"deleted": func() error {
			if err := p.DeleteUser("root", "alice"); err != nil {
				return err
			}
			_, _, err := p.AddUser(t.Context(), "root", "alice", Analyst, good)
			return err
		},
	} {
		secret := in()
		if got := p.whoIs(anyPath, secret); !strings.HasPrefix(got, "alice") {
			t.Errorf("%s: %s", what, got)
		}
		if err := do(); err != nil {
			t.Fatal(what, err)
		}
		ended(what, secret)
	}
	for range maxSessions + 3 {
		now = now.Add(time.Second)
		in()
	}
	if list := must[[]Session](t)(p.Sessions("alice", nil)); len(list) != maxSessions {
		t.Errorf("%d sessions", len(list))
	}
	if err := p.EndSession("bob", "bob", must[[]Session](t)(p.Sessions("alice", nil))[0].ID); refusal(err) != "not_found" {
		t.Error("somebody else's session was ended", err)
	}
}

// TestCookie: flags and names.
func TestCookie(t *testing.T) {
	p := open(t, t.TempDir())
	secure := p.Cookie("x", Peer{Secure: true})
	if s := secure.String(); s != "__Host-bluetrail=x; Path=/; Max-Age=604800; HttpOnly; Secure; SameSite=Lax" {
		t.Error(s)
	}
	if s := p.Cookie("x", Peer{}).String(); s != "bluetrail=x; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax" {
		t.Error(s)
	}
	// A cookie that somebody on the way has set over plain HTTP does not count over TLS.
	secret := must[string](t)(p.SignIn(t.Context(), "alice", good, from("192.0.2.1")))
	r := request("GET", anyPath, secret)
	r.URL.Scheme = "https"
	r = httptest.NewRequest("GET", "https://localhost"+anyPath, nil)
	r.AddCookie(&http.Cookie{Name: "bluetrail", Value: secret})
	if who, err := p.Identify(r); who != nil || err != nil {
		t.Error(who, err)
	}
}

// TestOneTimePassword is good for changing it only.
func TestOneTimePassword(t *testing.T) {
	p := open(t, t.TempDir())
	here := from("192.0.2.1")
	_, once, err := p.AddUser(t.Context(), "root", "bob", Admin, "")
	if err != nil || len(once) != 23 {
		t.Fatal(once, err)
	}
	secret := must[string](t)(p.SignIn(t.Context(), "bob", once, here))
	expect(t, "elsewhere", p.whoIs(anyPath, secret), "change_password")
	expect(t, "sessions of anybody", p.whoIs("/api/v1/sessions/x", secret), "change_password")
	expect(t, "session", p.whoIs("/api/v1/session", secret), "bob admin")
	who := must[*Principal](t)(p.Identify(request("GET", "/api/v1/session", secret)))
	_, err = p.BeginPasskey(t.Context(), who, once, here)
	expect(t, "passkey", refusal(err), "change_password")
	for _, c := range []struct{ current, fresh, want string }{
		{"wrong", good, "bad_login"},
		{once, once, "weak_password"},
		{once, "short", "weak_password"},
		{once, "Password1234!", "weak_password"},
		{once, "this is bob here", "weak_password"},
	} {
		_, err := p.ChangePassword(t.Context(), who, c.current, c.fresh, here)
		expect(t, c.fresh, refusal(err), c.want)
	}
	after := must[string](t)(p.ChangePassword(t.Context(), who, once, good+"!", here))
	expect(t, "before", p.whoIs(anyPath, secret), "nobody")
	expect(t, "after", p.whoIs(anyPath, after), "bob admin")
	_, err = p.SignIn(t.Context(), "bob", once, here)
	expect(t, "again", refusal(err), "bad_login")
	if first, err := p.First(t.Context()); first != "" || err != nil {
		t.Error("there are accounts, and another was made", err)
	}
}

// TestWeak: no rules of composition, but nothing that is guessed first.
func TestWeak(t *testing.T) {
	for _, password := range []string{good, "correct horse battery", "zwölf Boxkämpfer jagen", "8f3kd02ls9dk", "ÄÖÜäöüßabcde1"} {
		if why := weak(password, "alice"); why != "" {
			t.Errorf("%q: %s", password, why)
		}
	}
	for _, password := range []string{
		"", "elevenchars", "aaaaaaaaaaaaaaaa", "123456789012", "abcdefghijklm", "password1234", "P@ssw0rd2024!", "passwordpassword", "qwertyuiop123",
		"!!!Summer2025!!!", "letmeinletmein", "adminpassword1", "bluetrail2026!", "my name is alice!", "1qaz2wsx3edc4rfv", "\xff\xfe" + good, strings.Repeat("abcdefgh xyz", 100),
	} {
		if weak(password, "alice") == "" {
			t.Errorf("%.30q passes", password)
		}
	}
}

// TestNames: hostile names are no accounts.
func TestNames(t *testing.T) {
	p := open(t, t.TempDir())
	for _, name := range []string{
		"", " ", "a b", "<b>", "a/b", "../x", "a\u202eb", "аlice", "a'b", `a"b`, "-rf", ".x", "a\n", "=1+1", "bluetrail", strings.Repeat("a", 65), "a%00", "admin;x", "a,b", "ａ",
	} {
		_, _, err := p.AddUser(t.Context(), "root", name, Viewer, good)
		if name == "a\n" { // the space around is dropped
			expect(t, name, refusal(err), "")
			continue
		}
		expect(t, fmt.Sprintf("%q", name), refusal(err), "bad_name")
	}
	for _, name := range []string{"bob", "b.o-b_2", "bob+soc@example.com", "0x"} {
		_, _, err := p.AddUser(t.Context(), "root", name, Viewer, good)
		expect(t, name, refusal(err), "")
	}
	_, _, err := p.AddUser(t.Context(), "root", "ALICE", Viewer, good)
	expect(t, "another case", refusal(err), "conflict")
	_, _, err = p.AddUser(t.Context(), "root", "carol", None, good)
	expect(t, "no role", refusal(err), "bad_request")
}

// TestLastAdmin cannot be lost.
func TestLastAdmin(t *testing.T) {
	p := open(t, t.TempDir())
	if once, err := p.First(t.Context()); err != nil || once != "" {
		t.Fatal(once, err)
	}
	role, yes := Admin, true
	must[*User](t)(p.ChangeUser("root", "alice", Change{Role: &role}))
	role = Viewer
	_, err := p.ChangeUser("root", "alice", Change{Role: &role})
	expect(t, "role", refusal(err), "conflict")
	_, err = p.ChangeUser("root", "alice", Change{Disabled: &yes})
	expect(t, "disabled", refusal(err), "conflict")
	expect(t, "deleted", refusal(p.DeleteUser("root", "alice")), "conflict")
	if _, _, err := p.AddUser(t.Context(), "root", "bob", Admin, good); err != nil {
		t.Fatal(err)
	}
	expect(t, "deleted beside another", refusal(p.DeleteUser("root", "alice")), "")
}

// TestThrottle: by account and by address, also after a restart, and not for those who
// signed in from there before.
func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		p := open(t, dir)
		bad := func(name, address string) string {
			_, err := p.SignIn(t.Context(), name, "wrong", from(address))
			return refusal(err)
		}
		good := func(name, address string) string {
			_, err := p.SignIn(t.Context(), name, good, from(address))
			return refusal(err)
		}
		expect(t, "at home", good("alice", "203.0.113.9"), "")
		for i := range freeAccount {
			expect(t, "free", bad("alice", fmt.Sprintf("192.0.2.%d", i)), "bad_login")
		}
		expect(t, "account", good("alice", "192.0.2.77"), "throttled")
		expect(t, "at home", good("alice", "203.0.113.9"), "")
		expect(t, "nobody's account", bad("mallory", "192.0.2.78"), "bad_login")
		p.db.Close()
		p = open(t, dir) // a restart
		expect(t, "after a restart", good("alice", "192.0.2.77"), "throttled")
		wait := firstWait
		for range 12 {
			time.Sleep(wait - time.Second)
			expect(t, "early", bad("alice", "192.0.2.77"), "throttled")
			time.Sleep(2 * time.Second)
			expect(t, "in time", bad("alice", "192.0.2.77"), "bad_login")
			wait = min(2*wait, longestWait)
		}
		if wait != longestWait {
			t.Error(wait)
		}
		time.Sleep(longestWait + time.Second)
		expect(t, "the right one", good("alice", "192.0.2.77"), "")
		expect(t, "forgotten", bad("alice", "192.0.2.99"), "bad_login")

		// An address: IPv6 by the /64. Accounts that nobody has count, too.
		for i := range freeNetwork {
			expect(t, "free", bad(fmt.Sprint("user", i), fmt.Sprintf("2001:db8::%x", i+1)), "bad_login")
		}
		expect(t, "address", bad("another", "2001:db8::ffff"), "throttled")
		expect(t, "next door", bad("another", "2001:db8:0:1::1"), "bad_login")
		time.Sleep(forgetAfter + time.Second)
		expect(t, "the day after", bad("another", "2001:db8::ffff"), "bad_login")
		p.db.Close()
	})
}

// TestThrottleAtOnce: tries at the same time are counted before they are made.
func TestThrottleAtOnce(t *testing.T) {
	p := open(t, t.TempDir())
	var mu sync.Mutex
	codes := map[string]int{}
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			_, err := p.SignIn(t.Context(), "alice", "wrong", from("192.0.2.1"))
			mu.Lock()
			codes[refusal(err)]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if codes["bad_login"] != freeAccount || codes["throttled"] != 30-freeAccount {
		t.Error(codes)
	}
}

// TestBusy: more sign-ins than can wait are turned away, and do not count as failures.
func TestBusy(t *testing.T) {
	p := open(t, t.TempDir())
	for range cap(p.hasher.queue) {
		p.hasher.queue <- struct{}{}
	}
	for range freeAccount + 3 {
		_, err := p.SignIn(t.Context(), "alice", good, from("192.0.2.1"))
		expect(t, "busy", refusal(err), "busy")
	}
	for range cap(p.hasher.queue) {
		<-p.hasher.queue
	}
	_, err := p.SignIn(t.Context(), "alice", good, from("192.0.2.1"))
	expect(t, "after", refusal(err), "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range cap(p.hasher.slots) {
		p.hasher.slots <- struct{}{}
	}
	if _, err := p.hasher.verify(ctx, "", "x"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
