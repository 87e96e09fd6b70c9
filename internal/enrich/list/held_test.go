package list

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/enrich"
)

func write(t *testing.T, path, text string, at time.Time) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func on(h *Held, address string) bool {
	return len(Set{h}.Lookup(netip.MustParseAddr(address))) == 1
}

// TestFile: a file is read again when it changes; what cannot be used leaves the list as
// it was, also in a later process.
func TestFile(t *testing.T) {
	dir := t.TempDir()
	path, copies := filepath.Join(dir, "bad.txt"), filepath.Join(dir, "lists")
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	k := &Keeper{Dir: copies, Write: true, Now: func() time.Time { return now }}
	spec := Spec{Name: "bad", File: path, Reason: "because", Kind: enrich.KindTor}
	if h := k.Load(spec, nil); h.List != nil || h.Err == nil || h.Err.Error() != "its file is missing" {
		t.Errorf("%+v", h)
	}
	write(t, path, "203.0.113.9\n", now)
	h := k.Load(spec, nil)
	if hits := (Set{h}).Lookup(netip.MustParseAddr("203.0.113.9")); len(hits) != 1 || hits[0] != (enrich.Hit{List: "bad", Reason: "because", Kind: enrich.KindTor}) || !h.Of.Equal(now) {
		t.Errorf("%+v %+v", hits, h)
	}
	if k.Load(spec, h) != h {
		t.Error("a file that did not change was read again")
	}
	write(t, path, "203.0.113.10\n", now.Add(time.Hour))
	if h = k.Load(spec, h); !on(h, "203.0.113.10") || on(h, "203.0.113.9") {
		t.Errorf("%+v", h)
	}
	for i, text := range []string{"", "<html>\n"} {
		write(t, path, text, now.Add(time.Duration(2+i)*time.Hour))
		for name, before := range map[string]*Held{"held": h, "a later process": nil} {
			if got := k.Load(spec, before); !on(got, "203.0.113.10") || !got.Kept || got.Err == nil || !got.Of.Equal(now.Add(time.Hour)) {
				t.Errorf("%q, %s: %+v", text, name, got)
			}
		}
	}
	for _, p := range []string{copies, filepath.Join(copies, "bad.list"), filepath.Join(copies, "bad.json")} {
		info, err := os.Stat(p)
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v %v", p, info, err)
		}
	}
	// A copy of another source is not this list.
	spec.File = filepath.Join(dir, "other.txt")
	if h := k.Load(spec, nil); h.List != nil {
		t.Errorf("%+v", h)
	}
}

// TestLookup: a search that found nobody empties the list.
func TestLookup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "attackers.csv")
	now := time.Now()
	k := &Keeper{Now: time.Now, Table: func(string) (string, error) { return path, nil }}
	spec := Spec{Name: "attackers", Lookup: "attackers"}
	write(t, path, "src,count\n203.0.113.9,7\n", now)
	h := k.Load(spec, nil)
	if !on(h, "203.0.113.9") || h.Err != nil {
		t.Errorf("%+v", h)
	}
	write(t, path, "src,count\n", now.Add(time.Hour))
	if h = k.Load(spec, h); on(h, "203.0.113.9") || h.Err != nil || h.Kept {
		t.Errorf("%+v", h)
	}
}

// TestFetch goes through the life of a list at a URL.
func TestFetch(t *testing.T) {
	var body, etag string
	status, sent := http.StatusOK, 0
	var auth, agent string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		auth, agent = r.Header.Get("Authorization"), r.Header.Get("User-Agent")
		if etag != "" && r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", etag)
		w.WriteHeader(status)
		sent++
		w.Write([]byte(body))
	}))
	defer srv.Close()
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	write(t, secret, "Bearer abc\n", time.Now())
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	k := &Keeper{Dir: filepath.Join(dir, "lists"), Write: true, Now: func() time.Time { return now }}
	spec := Spec{Name: "feed", URL: srv.URL + "/?key=hidden", Every: time.Hour, AuthFile: secret}
	h := k.Load(spec, nil)
	if h.List != nil || !h.Due(now) || h.Err == nil || !h.Awaited() {
		t.Fatalf("%+v", h)
	}
	step := func(name, address string, wantSent int, err string) {
		t.Helper()
		h = k.Fetch(t.Context(), h)
		if (address == "") != (h.List == nil) || address != "" && !on(h, address) {
			t.Errorf("%s: %+v", name, h.List)
		}
		if sent != wantSent {
			t.Errorf("%s: the list was sent %d times, not %d", name, sent, wantSent)
		}
		if (err == "") != (h.Err == nil) || err != "" && !strings.Contains(h.Err.Error(), err) || h.Err != nil && strings.Contains(h.Err.Error(), "hidden") {
			t.Errorf("%s: %v", name, h.Err)
		}
		if h.Due(now) {
			t.Errorf("%s: it is due at once", name)
		}
	}
	status = http.StatusForbidden
	step("refused", "", 1, "403")
	if h.Awaited() || k.Load(spec, nil).Awaited() {
		t.Error("a list that was refused is still awaited")
	}
	status, body, etag = http.StatusOK, "203.0.113.9\n", `"1"`
	step("first", "203.0.113.9", 2, "")
	if auth != "Bearer abc" || agent != "bluetrail" {
		t.Error(auth, agent)
	}
	now = now.Add(time.Hour)
	if !h.Due(now) {
		t.Error("it is not due after an hour")
	}
	step("unchanged", "203.0.113.9", 2, "")
	if !h.Checked.Equal(now) || !h.Of.Equal(now.Add(-time.Hour)) {
		t.Errorf("%+v", h)
	}
	body, etag = "", `"2"`
	step("shrunk to nothing", "203.0.113.9", 3, "no addresses")
	if !h.Kept {
		t.Error("it does not say that the copy is kept")
	}
	step("still nothing", "203.0.113.9", 4, "no addresses") // asked for with the tag of what is held
	status = http.StatusInternalServerError
	step("broken", "203.0.113.9", 5, "500")
	if h.Due(now.Add(retryAfter-time.Second)) || !h.Due(now.Add(retryAfter)) {
		t.Error("a failure is not retried soon")
	}
	if h.Stale(now) || !h.Stale(now.Add(25*time.Hour)) {
		t.Error("staleness is wrong")
	}
	// Another process has the copy, and asks whether it changed.
	h = k.Load(spec, nil)
	if !on(h, "203.0.113.9") || h.Err == nil || !strings.Contains(h.Err.Error(), "500") || h.Due(now) {
		t.Errorf("%+v", h)
	}
	status, body, etag = http.StatusOK, "198.51.100.1\n", `"3"`
	step("renewed", "198.51.100.1", 6, "")
	k.limit = 1000
	body, etag = strings.Repeat("x", 1001), `"4"`
	step("too large", "198.51.100.1", 7, "larger than")
	srv.Close()
	step("away", "198.51.100.1", 7, "refused")
}
