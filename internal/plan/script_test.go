package plan_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bluetrail/internal/enrich"
	"bluetrail/internal/event"
	"bluetrail/internal/ingest"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/plan"
	"bluetrail/internal/spill"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/store"
	"bluetrail/internal/store/files"
	"bluetrail/internal/store/memory"
	"bluetrail/internal/store/vlogs"
	"bluetrail/internal/vector"

	"github.com/google/go-cmp/cmp"
)

// TestScripts runs testdata/spl/*.test on every store, with batches of one row
// and with batches assigned to random workers.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("../../testdata/spl/*.test")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts found: %v", err)
	}
	for _, file := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".test"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sc := parseScript(t, file, string(data))
			for _, kind := range storeKinds {
				t.Run(kind.name, func(t *testing.T) {
					st := kind.open(t, sc.events)
					know := sc.knowledge(t)
					for _, e := range sc.evals {
						e.macros, e.tables = know, know
						t.Run(fmt.Sprintf("line%d", e.line), func(t *testing.T) { e.run(t, st, sc.now) })
					}
				})
			}
		})
	}
}

// loaded is a record with the metadata that a script gives it.
type loaded struct {
	raw  string
	meta event.Meta
}

// storeKinds are the stores on which every script must give the same rows.
var storeKinds = []struct {
	name string
	open func(t *testing.T, events []loaded) store.Store
}{
	{"memory", func(t *testing.T, events []loaded) store.Store { return memoryStore(t, events) }},
	{"memory-rows", func(t *testing.T, events []loaded) store.Store {
		s := memoryStore(t, events)
		s.Rows = 1
		return s
	}},
	{"memory-shuffled", func(t *testing.T, events []loaded) store.Store {
		s := memoryStore(t, events)
		rnd := rand.New(rand.NewPCG(1, 2))
		s.Rows = 2
		s.Shuffle = func(_, n int) int { return rnd.IntN(n) }
		return s
	}},
	{"memory-disk", func(t *testing.T, events []loaded) store.Store {
		s := memoryStore(t, events)
		s.Rows = 2
		return tight{s, spill.NewSpace(t.TempDir(), 1<<30)}
	}},
	{"files", func(t *testing.T, events []loaded) store.Store {
		if len(events) == 0 {
			return memoryStore(t, nil)
		}
		groups := writeFiles(t, events)
		if len(groups) > 1 {
			t.Skip("a store of files has one index and one sourcetype; the script has several")
		}
		st, err := files.Open([]string{groups[0].path}, files.Options{Index: groups[0].meta.Index, Sourcetype: groups[0].meta.Sourcetype})
		if err != nil {
			t.Fatal(err)
		}
		return st
	}},
	{"vlogs", func(t *testing.T, events []loaded) store.Store {
		if len(events) == 0 {
			return memoryStore(t, nil)
		}
		dir := t.TempDir()
		for _, g := range writeFiles(t, events) {
			if _, err := ingest.Run(t.Context(), ingest.Options{Data: dir, Paths: []string{g.path}, Index: g.meta.Index, Sourcetype: g.meta.Sourcetype, Workers: 1}); err != nil {
				t.Fatal(err)
			}
		}
		st, err := vlogs.Open(filepath.Join(dir, ingest.EventsDir), vlogs.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		return st
	}},
}

// tight is a store whose searches spill as many rows to disk as they can.
type tight struct {
	*memory.Store
	disk *spill.Space
}

// group holds the events of a script that came from the same place, in a file.
type group struct {
	path string
	meta event.Meta
}

// writeFiles writes events as files of lines, one file per place of origin, in
// the order of the events.
func writeFiles(t *testing.T, events []loaded) []group {
	t.Helper()
	var groups []group
	var texts []strings.Builder
	t.Chdir(t.TempDir()) // makes the files' names the sources that scripts mention
	for _, e := range events {
		if len(groups) == 0 || groups[len(groups)-1].meta != e.meta {
			path := e.meta.Source
			if slices.ContainsFunc(groups, func(g group) bool { return g.path == path }) {
				path += fmt.Sprint(len(groups))
			}
			groups, texts = append(groups, group{path, e.meta}), append(texts, strings.Builder{})
		}
		texts[len(texts)-1].WriteString(e.raw + "\n")
	}
	at := time.Unix(0, 0) // the time of events that have none, as in the memory store
	for i, g := range groups {
		if err := os.WriteFile(g.path, []byte(texts[i].String()), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(g.path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	return groups
}

func memoryStore(t *testing.T, events []loaded) *memory.Store {
	t.Helper()
	s := memory.New()
	for _, e := range events {
		m := e.meta
		if m.Sourcetype == "" {
			m.Sourcetype = event.Detect([]byte(e.raw))
		}
		if _, err := s.Add([]byte(e.raw), &m); err != nil {
			t.Fatalf("cannot load %s: %v", e.raw, err)
		}
	}
	return s
}

type script struct {
	now    time.Time
	events []loaded
	files  map[string]string // in the knowledge folder
	evals  []*evaluation
}

// knowledge opens the script's files as an app's folder.
func (sc *script) knowledge(t *testing.T) *knowledge.Knowledge {
	t.Helper()
	dir := t.TempDir()
	for name, text := range sc.files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	know, err := knowledge.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return know
}

type evaluation struct {
	line      int
	search    string
	unordered bool
	none      bool
	quiet     bool // warnings are not allowed
	columns   []string
	rows      []string
	fails     string
	warnings  []string
	macros    syntax.Macros
	tables    exec.Knowledge
}

func parseScript(t *testing.T, name, text string) *script {
	t.Helper()
	sc := &script{now: time.Unix(1700000000, 0).UTC(), files: map[string]string{}}
	var cur *evaluation
	loading, file := false, ""
	var meta event.Meta
	for n, line := range strings.Split(text, "\n") {
		bad := func(format string, args ...any) {
			t.Fatalf("%s:%d: %s", name, n+1, fmt.Sprintf(format, args...))
		}
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case strings.TrimSpace(line) == "":
			loading, file = false, ""
		case file != "":
			sc.files[file] += line + "\n"
		case strings.HasPrefix(line, "#"):
		case loading:
			sc.events = append(sc.events, loaded{line, meta})
		case word == "now":
			f, err := strconv.ParseFloat(rest, 64)
			if err != nil {
				bad("now: %v", err)
			}
			sc.now = splunktime.FromEpoch(f)
		case word == "file": // a file in the knowledge folder: the lines up to the next blank one
			file = rest
			sc.files[file] = ""
		case word == "load":
			loading = true
			meta = event.Meta{Index: "aws", Source: "script", Host: "aws"}
			for _, opt := range strings.Fields(rest) {
				key, val, _ := strings.Cut(opt, "=")
				switch key {
				case "index":
					meta.Index = val
				case "sourcetype":
					meta.Sourcetype = val
				case "source":
					meta.Source = val
				default:
					bad("unknown option %q of load", key)
				}
			}
		case word == "eval":
			cur = &evaluation{line: n + 1, search: rest}
			if after, ok := strings.CutPrefix(rest, "unordered "); ok {
				cur.search, cur.unordered = after, true
			}
			sc.evals = append(sc.evals, cur)
		case cur == nil:
			bad("%q before the first eval", line)
		case line[0] == ' ' || line[0] == '\t':
			cur.search += "\n" + line
		case word == "columns":
			cur.columns = strings.Split(rest, ",")
		case word == "none":
			cur.none = true
		case word == "quiet":
			cur.quiet = true
		case word == "error":
			cur.fails = rest
		case word == "warning":
			cur.warnings = append(cur.warnings, rest)
		case line[0] == '{':
			cur.rows = append(cur.rows, line)
		default:
			bad("cannot read %q", line)
		}
	}
	if len(sc.evals) == 0 {
		t.Fatalf("%s evaluates nothing", name)
	}
	return sc
}

// geo is the location database that comes with bluetrail.
var geo = sync.OnceValue(func() exec.Geo {
	g, err := enrich.OpenGeo(nil)
	if err != nil {
		panic(err)
	}
	return g
})

func (e *evaluation) run(t *testing.T, st store.Store, now time.Time) {
	t.Helper()
	if e.fails == "" && !e.none && len(e.rows) == 0 && len(e.warnings) == 0 {
		t.Fatal("the evaluation expects nothing")
	}
	env := exec.NewEnv(now)
	env.Macros, env.Knowledge, env.Geo = e.macros, e.tables, geo()
	cols, rows, err := evaluate(e.search, st, env)
	if e.fails != "" {
		if err == nil || !strings.Contains(err.Error(), e.fails) {
			t.Fatalf("%s\nerror %v, want one with %q", e.search, err, e.fails)
		}
		return
	}
	if err != nil {
		t.Fatalf("%s\n%v", e.search, err)
	}
	want := slices.Clone(e.rows)
	if e.unordered {
		slices.Sort(want)
		slices.Sort(rows)
	}
	if diff := cmp.Diff(want, rows); diff != "" && (len(want) > 0 || len(rows) > 0) {
		t.Errorf("%s\nrows (-want +got):\n%s", e.search, diff)
	}
	if e.columns != nil {
		if diff := cmp.Diff(e.columns, cols); diff != "" {
			t.Errorf("%s\ncolumns (-want +got):\n%s", e.search, diff)
		}
	}
	if w := env.Warnings(); e.quiet && len(w) > 0 {
		t.Errorf("%s\nwarnings: %q", e.search, w)
	}
	for _, w := range e.warnings {
		if !slices.ContainsFunc(env.Warnings(), func(s string) bool { return strings.Contains(s, w) }) {
			t.Errorf("%s\nno warning with %q in %q", e.search, w, env.Warnings())
		}
	}
}

// evaluate runs a search and returns its columns and its rows as JSON objects.
func evaluate(search string, st store.Store, env *exec.Env) (cols, rows []string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if st, ok := st.(tight); ok {
		env.Disk, env.Limits.Memory, env.Memory = st.disk, 1, exec.NewBudget(1<<40)
		defer func() {
			if n := st.disk.Used(); n > 0 && err == nil {
				err = fmt.Errorf("%d bytes of temporary files are left", n)
			}
		}()
	}
	q, err := plan.Parse(search, env.Macros)
	if err != nil {
		return nil, nil, err
	}
	s, err := plan.Open(ctx, q, st, env)
	if err != nil {
		return nil, nil, err
	}
	err = exec.Drain(ctx, s, func(b *vector.Batch) error {
		for _, name := range b.Names() {
			if !slices.Contains(cols, name) {
				cols = append(cols, name)
			}
		}
		for i := range b.Len {
			rows = append(rows, rowJSON(b, i))
		}
		return nil
	})
	return cols, rows, err
}

func rowJSON(b *vector.Batch, i int) string {
	var out strings.Builder
	out.WriteByte('{')
	for _, c := range b.Cols {
		v := c.At(i)
		if v.IsNull() {
			continue
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		var val any = v.Text()
		if v.Kind() == vector.List {
			val = v.All()
		}
		out.WriteString(compact(c.Name) + ":" + compact(val))
	}
	out.WriteByte('}')
	return out.String()
}

func compact(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(b.String(), "\n")
}

var errTestdata = errors.New("the folder of real records is absent (set BLUETRAIL_TESTDATA)")

// testdataDir finds the folder of real records.
func testdataDir() (string, error) {
	for _, dir := range []string{os.Getenv("BLUETRAIL_TESTDATA"), "../../../shared/data"} {
		if dir == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "spl-examples.jsonl")); err == nil {
			return dir, nil
		}
	}
	return "", errTestdata
}
