package ruleset

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"bluetrail/internal/detect/splrule"
)

const (
	deletion = "title: Deletion\nid: del\nlogsource: {product: aws, service: cloudtrail}\ndetection: {a: {eventName: DeleteBucket}, condition: a}\nlevel: high\n"
	many     = "title: Many\nid: many\nlevel: high\ncorrelation: {type: event_count, rules: [del], group-by: [actor], timespan: 1h, condition: {gte: 3}}\n"
)

var writes int

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	writes++ // two writes may lie within a tick of the file system
	at := time.Now().Add(time.Duration(writes) * time.Millisecond)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func running(rs *Ruleset) string {
	var ids []string
	for i := range rs.Rules {
		if rs.Rules[i].Off == "" {
			ids = append(ids, rs.Rules[i].ID)
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, ",")
}

// TestFollow changes the files of a folder: each change is taken over, and a broken file
// keeps its rules.
func TestFollow(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "del.yml", deletion)
	var log bytes.Buffer
	f, err := Follow(t.Context(), FollowOptions{Paths: []string{dir}, Log: slog.New(slog.NewTextHandler(&log, nil)), Options: Options{
		Shipped: fstest.MapFS{"x.yml": {Data: []byte(strings.NewReplacer("Deletion", "Shipped", "id: del", "id: shipped").Replace(deletion))}}, Off: []string{"not this"},
		Knowledge: func([]string) (splrule.Knowledge, error) { return nil, nil },
	}})
	if err != nil {
		t.Fatal(err)
	}
	said := ""
	f.Subscribe(func(rs *Ruleset) { said = running(rs) })
	expect := func(what, want string) {
		t.Helper()
		if _, err := f.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if said != want || running(f.Rules()) != want {
			t.Errorf("%s: %s run, want %s: %s", what, said, want, log.String())
		}
	}
	expect("at first", "del,shipped")
	if changed, _ := f.Reload(t.Context()); changed {
		t.Error("nothing changed, and was loaded again")
	}
	put(t, dir, "many.yml", many)
	expect("a new file", "del,many,shipped")
	put(t, dir, "del.yml", "title: Deletion\nid: del\n")
	expect("a broken file", "del,many,shipped")
	if f.Broken() != 1 || !strings.Contains(log.String(), "rules stay as they were") || len(f.Rules().Faults) != 1 {
		t.Errorf("%d files are broken, %v: %s", f.Broken(), f.Rules().Faults, &log)
	}
	put(t, dir, "del.yml", "# nothing\n")
	expect("an empty file", "del,many,shipped")
	put(t, dir, "del.yml", strings.Replace(deletion, "id: del", "id: del2", 1))
	expect("a mended file", "del2,shipped") // many refers to what is no more
	if f.Broken() != 0 {
		t.Errorf("%d files are broken", f.Broken())
	}
	put(t, dir, "s.yml", "name: Search\nid: s\nsearch: eventName=DeleteBucket\n")
	expect("a search", "del2,s,shipped")
	put(t, dir, "s.yml", "name: Search\nid: s\nsearch: eventName=DeleteBucket\nschedule: {each: 5}\n")
	expect("a broken search", "del2,s,shipped")
	for _, name := range []string{"del.yml", "s.yml", "many.yml"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	expect("files removed", "shipped")
}

func TestFollowMissing(t *testing.T) {
	if _, err := Follow(t.Context(), FollowOptions{Paths: []string{filepath.Join(t.TempDir(), "none")}}); err == nil {
		t.Error("a folder that does not exist passes")
	}
}

// TestOff switches off rules by id, name and title.
func TestOff(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a.yml", deletion)
	put(t, dir, "b.yml", strings.NewReplacer("id: del", "id: named\nname: by_name", "Deletion", "X").Replace(deletion))
	put(t, dir, "c.yml", strings.NewReplacer("id: del", "id: titled", "Deletion", "By title").Replace(deletion))
	put(t, dir, "d.yml", strings.NewReplacer("id: del", "id: stays", "Deletion", "Stays").Replace(deletion))
	rs, err := Load(context.Background(), []string{dir}, Options{Off: []string{"DEL", "by_name", "by title"}})
	if err != nil || running(rs) != "stays" {
		t.Errorf("%s run: %v", running(rs), err)
	}
}

// TestPrint: the print of a rule follows its text, its filters and what it refers to.
func TestPrint(t *testing.T) {
	prints := func(texts ...string) map[string]string {
		files := fstest.MapFS{"x.yml": {Data: []byte(strings.Join(texts, "---\n"))}}
		rs, err := Load(t.Context(), nil, Options{Shipped: files, Lists: func(string) ([]string, error) { return []string{texts[0][:9]}, nil }})
		if err != nil || len(rs.Faults) > 0 {
			t.Fatal(err, rs.Faults)
		}
		out := map[string]string{}
		for i := range rs.Rules {
			out[rs.Rules[i].ID] = rs.Rules[i].Print
		}
		return out
	}
	other := strings.NewReplacer("Deletion", "Other", "id: del", "id: other").Replace(deletion)
	narrow := "title: Narrow\nid: f\nlogsource: {product: aws, service: cloudtrail}\nfilter: {rules: [del], a: {awsRegion: x}, condition: not a}\n"
	listed := strings.NewReplacer("Deletion", "Listed", "id: del", "id: listed", "eventName: DeleteBucket", "awsRegion|expand: '%regions%'").Replace(deletion)
	was := prints(deletion, many, other, listed)
	for _, c := range []struct {
		what    string
		texts   []string
		changed string
	}{
		{"nothing", []string{deletion, many, other, listed}, ""},
		{"the order", []string{other, listed, deletion, many}, "listed"},
		{"a rule", []string{strings.Replace(deletion, "DeleteBucket", "DeleteUser", 1), many, other, listed}, "del,many"},
		{"a filter", []string{deletion, many, other, listed, narrow}, "del,many"},
		{"a correlation", []string{deletion, strings.Replace(many, "gte: 3", "gte: 4", 1), other, listed}, "many"},
		{"a list", []string{"id: del\n" + strings.Replace(deletion, "id: del\n", "", 1), many, other, listed}, "del,listed,many"},
	} {
		var changed []string
		for id, now := range prints(c.texts...) {
			if now != was[id] {
				changed = append(changed, id)
			}
		}
		slices.Sort(changed)
		if got := strings.Join(changed, ","); got != c.changed {
			t.Errorf("%s changed: the prints of %q did, want %q", c.what, got, c.changed)
		}
	}
}
