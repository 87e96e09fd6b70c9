package load

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/enrich"

	"github.com/VictoriaMetrics/metrics"
)

// TestLoader: files are read again when they change, what breaks leaves what was read,
// and lists are fetched.
func TestLoader(t *testing.T) {
	dir := t.TempDir()
	at := time.Now().Add(-time.Hour)
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Second)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	feed := "198.51.100.7\n"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, feed) }))
	defer srv.Close()
	write("acc.csv", "account,name\n111122223333,shop\n")
	write("allow.yaml", "- {addresses: [203.0.113.0/24], reason: office, owner: me}\n- {reason: nothing, owner: me}\n")
	write("bad.txt", "203.0.113.9\n")
	write("net.csv", "10.0.0.0/8,64512,Office\n")
	l, err := New(Config{
		Config: config.Config{
			Assets: []string{"acc.csv"}, AllowFiles: []string{"allow.yaml"}, Network: []string{"net.csv", enrich.Shipped},
			Allow: []config.Allow{{Actors: []string{"robot"}, Reason: "robot", Owner: "me"}},
			Lists: []config.List{{Name: "bad", File: "bad.txt"}, {Name: "found", Lookup: "found"}, {Name: "feed", URL: srv.URL, Every: time.Hour}},
		},
		Path:  func(p string) string { return filepath.Join(dir, p) },
		Table: func(string) (string, error) { return "", errors.New("there is no such lookup") },
		Dir:   filepath.Join(dir, "lists"), Write: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	lists := func(address string) string { return strings.Join(l.Facts().Source(address).Lists, ",") }
	update := func(want bool) {
		t.Helper()
		if changed, err := l.update(); err != nil || changed != want {
			t.Errorf("changed: %v, %v", changed, err)
		}
	}
	s := l.Status()
	if s.Accounts != 1 || len(s.Allow) != 2 || len(s.Problems) != 1 || !strings.Contains(s.Problems[0].Err.Error(), "1 of 2 entries cannot be used, the first is entry 2: it names neither") {
		t.Errorf("%+v", s)
	}
	if lists("203.0.113.9") != "bad" || lists("198.51.100.7") != "" || l.Facts().Source("10.1.2.3").Network != "Office" || l.Facts().Source("8.8.8.8").ASN != "15169" {
		t.Error("what is loaded is not in use")
	}
	update(false)

	if n := l.Refresh(t.Context(), false); n != 1 || lists("198.51.100.7") != "feed" {
		t.Errorf("%d lists fetched", n)
	}
	if n := l.Refresh(t.Context(), false); n != 0 {
		t.Errorf("%d lists fetched again", n)
	}
	update(false)

	write("acc.csv", "account,name\n111122223333,store\n444455556666,lab\n")
	write("bad.txt", "203.0.113.10\n")
	write("net.csv", "10.0.0.0/8,64512,Head office\n")
	update(true)
	if a := l.Facts().Accounts; a["111122223333"].Name != "store" || len(a) != 2 || lists("203.0.113.10") != "bad" || lists("203.0.113.9") != "" ||
		lists("198.51.100.7") != "feed" || l.Facts().Source("10.1.2.3").Network != "Head office" {
		t.Errorf("%+v", a)
	}

	write("acc.csv", "")
	write("bad.txt", "")
	write("allow.yaml", "- {addresses: x}\n")
	update(true)
	if len(l.Facts().Accounts) != 2 || lists("203.0.113.10") != "bad" || len(l.Facts().Allow) != 2 {
		t.Errorf("%+v", l.Facts())
	}
	if s := l.Status(); len(s.Problems) != 2 || !s.Lists[0].Kept {
		t.Errorf("%+v", s.Problems)
	}
	write("net.csv", "x")
	if _, err := l.update(); err == nil || l.Facts().Source("10.1.2.3").Network != "Head office" {
		t.Error("a broken database takes the place of the good one:", err)
	}

	var b strings.Builder
	set := metrics.NewSet()
	defer set.UnregisterAllMetrics()
	l.Measure(set)
	set.WritePrometheus(&b)
	for _, want := range []string{`bluetrail_list_entries{list="bad"} 1`, `bluetrail_list_entries{list="found"} 0`, `bluetrail_list_failures_total{list="feed"} 0`, "bluetrail_allow_entries 2", "bluetrail_asset_accounts 2"} {
		if !strings.Contains(b.String(), want+"\n") {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
}

func TestConfiguredMistakes(t *testing.T) {
	path := func(p string) string { return p }
	for want, c := range map[string]config.Config{
		"allow: entry 2: it has no owner": {Allow: []config.Allow{{Actors: []string{"a"}, Reason: "x", Owner: "y"}, {Actors: []string{"a"}, Reason: "x"}}},
		"nosuch.csv":                      {Network: []string{"nosuch.csv"}},
	} {
		if _, err := New(Config{Config: c, Path: path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
