package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"bluetrail/internal/auth"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/state"
)

func TestDashboards(t *testing.T) {
	db, err := state.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	text := func(id string) string {
		return fmt.Sprintf("id: %s\ntitle: T %s\nrows: [{panels: [{title: A, kind: table, search: x}]}]\n", id, id)
	}
	role, name := auth.Analyst, "ann"
	h := New(Config{
		Identify: func(*http.Request) (*auth.Principal, error) { return &auth.Principal{Name: name, Role: role}, nil },
		Product: Product{
			State: db, Dashboards: fstest.MapFS{"shipped.yml": {Data: []byte(text("shipped"))}},
			Knowledge: func() (*knowledge.Knowledge, error) { return knowledge.Open() },
		},
	})
	call := func(method, path string, body any) (int, map[string]any) {
		t.Helper()
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(context.Background(), method, "/api/v1/dashboards"+path, strings.NewReader(string(data)))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var got map[string]any
		if w.Body.Len() > 0 {
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatalf("%s %s: %v: %s", method, path, err, w.Body)
			}
		}
		return w.Code, got
	}
	put := func(id, source string, version int) (int, map[string]any) {
		return call("PUT", "/"+id, map[string]any{"source": source, "version": version})
	}
	if code, got := put("mine", text("mine"), 0); code != 200 || got["version"] != 1.0 || got["own"] != true {
		t.Fatalf("saving: %d %v", code, got)
	}
	name = "bob" // who may not change what ann made
	if code, _ := put("mine", text("mine"), 1); code != 403 {
		t.Errorf("another's dashboard is replaced: %d", code)
	}
	if code, _ := call("DELETE", "/mine", nil); code != 403 {
		t.Errorf("another's dashboard is removed: %d", code)
	}
	name = "ann"
	for _, c := range []struct {
		id, source string
		version    int
		code       int
	}{
		{"mine", text("mine"), 0, 409}, // somebody else made it
		{"mine", text("other"), 1, 400},
		{"mine", "id: mine\n", 1, 422},
		{"shipped", text("shipped"), 0, 422},
		{"mine", text("mine"), 1, 200},
	} {
		if code, got := put(c.id, c.source, c.version); code != c.code {
			t.Errorf("saving %s at %d: %d %v, want %d", c.id, c.version, code, got, c.code)
		}
	}
	if _, got := call("GET", "", nil); got["total"] != 2.0 {
		t.Errorf("list: %v", got)
	}
	if code, got := call("GET", "/mine/versions/1", nil); code != 200 || got["source"] != text("mine") {
		t.Errorf("version: %d %v", code, got)
	}
	code, got := call("POST", "/import", map[string]any{"xml": `<form><label>Mine</label><row><table><search><query>x</query></search><option name="wrap">true</option></table></row></form>`})
	if code != 200 || got["id"] != "mine-2" || len(got["left_out"].([]any)) != 1 {
		t.Errorf("import: %d %v", code, got)
	}
	role = auth.Viewer
	if code, _ := put("more", text("more"), 0); code != 403 {
		t.Errorf("a viewer saves: %d", code)
	}
	role = auth.Analyst
	if code, _ := call("DELETE", "/mine", nil); code != 204 {
		t.Errorf("removing: %d", code)
	}
	if code, _ := call("GET", "/mine", nil); code != 404 {
		t.Errorf("reading what is removed: %d", code)
	}
	if code, _ := call("DELETE", "/shipped", nil); code != 422 {
		t.Errorf("removing a shipped one: %d", code)
	}
	if code, _ := put("edited", text("edited"), 0); code != 200 {
		t.Errorf("saving: %d", code)
	}
	role, name = auth.Engineer, "eve"
	if code, _ := put("edited", text("edited"), 1); code != 200 {
		t.Errorf("an engineer saves: %d", code)
	}
	role = auth.Analyst
	for _, c := range []struct {
		who  string
		want int
	}{{"bob", 403}, {"ann", 204}} {
		name = c.who
		if code, _ := call("DELETE", "/edited", nil); code != c.want {
			t.Errorf("%s removes what ann made and an engineer changed: %d, want %d", c.who, code, c.want)
		}
	}
}
