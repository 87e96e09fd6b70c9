package actors_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bluetrail/internal/detect/engine"
	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/generate"
	"bluetrail/internal/identity"
	"bluetrail/internal/ingest"
	"bluetrail/internal/search"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store"
	"bluetrail/internal/store/actors"
	"bluetrail/internal/store/files"
	"bluetrail/internal/store/memory"
	"bluetrail/internal/store/vlogs"
	"bluetrail/internal/vector"

	"github.com/google/go-cmp/cmp"
)

// sessions are records of the kinds of callers that a generated trail lacks.
func sessions() (list [][]byte) {
	n := 0
	add := func(at, name, more, user string) {
		n++
		list = append(list, fmt.Appendf(nil, `{"eventVersion":"1.11","eventID":"22222222-2222-4222-8222-%012d","eventTime":"2026-01-10T%sZ","eventSource":"sts.amazonaws.com","eventName":"%s","sourceIPAddress":"198.51.100.7","userAgent":"a%d","recipientAccountId":"111122223333"%s,"userIdentity":%s}`, n, at, name, n, more, user))
	}
	temporary := func(kind, key, principal, more string) string {
		return fmt.Sprintf(`{"type":"%s","principalId":"%s","arn":"arn:aws:sts::111122223333:%s","accountId":"111122223333","accessKeyId":"%s","sessionContext":{"attributes":{"creationDate":"2026-01-10T08:00:00Z"}%s}%s}`, kind, principal, principal, key,
			`,"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/`+principal[:8]+`","userName":"r"}`, more)
	}
	issued := func(key, id string) string {
		return fmt.Sprintf(`,"responseElements":{"credentials":{"accessKeyId":"%s"},"assumedRoleUser":{"assumedRoleId":"%s"}}`, key, id)
	}
	add("08:00:00", "AssumeRoleWithSAML", issued("ASIASAML000000000001", "AROASAML:carol"), `{"type":"SAMLUser","principalId":"x:carol","userName":"carol@example.org","identityProvider":"x"}`)
	add("08:01:00", "AssumeRole", issued("ASIAHOP0000000000002", "AROAHOPS:h2"), temporary("AssumedRole", "ASIASAML000000000001", "AROASAML:carol", ""))
	add("08:02:00", "ListUsers", "", temporary("AssumedRole", "ASIAHOP0000000000002", "AROAHOPS:h2", ""))
	add("08:03:00", "ListUsers", "", temporary("AssumedRole", "ASIAOTHER00000000003", "AROAHOPS:h2", "")) // by the name of the session
	add("08:04:00", "ListUsers", "", temporary("AssumedRole", "ASIACONSOLE000000004", "AROACONS:dan", `,"onBehalfOf":{"userId":"u-1","identityStoreArn":"arn:aws:identitystore::1:identitystore/d-1"}`))
	add("08:05:00", "ListUsers", "", temporary("AssumedRole", "ASIACONSOLE000000005", "AROACONS:dan", "")) // the same session, without onBehalfOf
	add("08:06:00", "ListUsers", "", `{"type":"IdentityCenterUser","accountId":"1","onBehalfOf":{"userId":"u-1","identityStoreArn":"arn:aws:identitystore::1:identitystore/d-1"}}`)
	add("08:07:00", "ListUsers", "", `{"type":"Root","principalId":"111122223333","accountId":"111122223333"}`)
	add("08:36:59", "ListUsers", "", `{"type":"Root","principalId":"111122223333","accountId":"111122223333"}`)
	add("09:30:00", "ListUsers", "", `{"type":"Root","principalId":"111122223333","accountId":"111122223333"}`)
	add("08:07:00", "GetObject", "", `{"type":"AWSAccount","principalId":"","accountId":"anonymous"}`)
	add("08:08:00", "ListUsers", `,"eventName":"Twice"`, `{"type":"IAMUser","principalId":"AIDATWICE1","userName":"x","userName":"y","accessKeyId":"AKIATWICE1234567890A","arn":7}`)
	add("08:09:00", "ListUsers", "", `"no object"`)
	add("08:10:00", "ListUsers", "", `{"type":"AssumedRole","principalId":"AROAMISS:s","accessKeyId":"asiaLOWER00000000001"}`)
	list = append(list, []byte(`{"eventID":"22222222-2222-4222-8222-0000000000ff","time":"2026-01-10T09:00:00Z","actor":"octocat","session_id":["a","b"]}`), []byte(`{"note":"no ID"}`))
	return list
}

// trail returns generated records and those of sessions.
func trail(t testing.TB) (list [][]byte) {
	t.Helper()
	cfg := generate.Default()
	cfg.Events, cfg.Sessions, cfg.End = generate.MinEvents, true, time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC)
	err := generate.Stream(t.Context(), cfg, func(raw []byte, _ time.Time) error {
		list = append(list, bytes.Clone(raw))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return append(list, sessions()...)
}

func memoryOf(t testing.TB, records [][]byte) *memory.Store {
	t.Helper()
	st := memory.New()
	for i, raw := range records {
		m := event.Meta{Index: event.DefaultIndex, Sourcetype: event.Detect(raw), Source: "s", Host: "aws", IndexTime: float64(1+i) / 1000, Fallback: 1e18}
		if _, err := st.Add(raw, &m); err != nil {
			t.Fatal(err)
		}
	}
	return st
}

// stores returns stores of the same records.
func stores(t testing.TB, records [][]byte) map[string]store.Store {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for i := range 3 { // so that callers and issuers are in different files
		var text []byte
		for n, raw := range records {
			if n%3 == i {
				text = append(append(text, raw...), '\n')
			}
		}
		paths = append(paths, filepath.Join(dir, fmt.Sprintf("part%d.ndjson", i)))
		if err := os.WriteFile(paths[i], text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fs, err := files.Open(paths, files.Options{})
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	if _, err := ingest.Run(t.Context(), ingest.Options{Data: data, Paths: paths, Workers: 1}); err != nil {
		t.Fatal(err)
	}
	vl, err := vlogs.Open(filepath.Join(data, ingest.EventsDir), vlogs.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { vl.Close() })
	return map[string]store.Store{"files": fs, "vlogs": vl, "memory": memoryOf(t, records)}
}

// rows returns the rows of a search, sorted.
func rows(t testing.TB, o search.Options) (list []string) {
	t.Helper()
	s, _, err := search.Open(t.Context(), o)
	if err != nil {
		t.Fatalf("%s: %v", o.Text, err)
	}
	defer s.Close()
	for {
		b, err := s.Next(t.Context())
		if err != nil {
			if err != io.EOF {
				t.Fatalf("%s: %v", o.Text, err)
			}
			break
		}
		for i := range b.Len {
			line := ""
			for _, c := range b.Cols {
				line += fmt.Sprintf("%q ", c.At(i).All())
			}
			list = append(list, line)
		}
	}
	slices.Sort(list)
	return list
}

// TestSame compares the fields on all stores with what the resolver of a hunt says of
// each record.
func TestSame(t *testing.T) {
	records := trail(t)
	all := identity.NewTrail(0)
	var f identity.Facts
	for _, raw := range records {
		if err := identity.Read(raw, &f); err != nil {
			t.Fatal(err)
		}
		all.Add(&f)
	}
	resolve := engine.Resolver(all)
	list := func(text string) string {
		if text == "" {
			return "[] "
		}
		return fmt.Sprintf("%q ", []string{text})
	}
	ids := event.NewExtractor([]string{"eventID"})
	row := ids.NewRow()
	var want []string
	kinds := map[string]int{}
	for _, raw := range records {
		if event.Detect(raw) != event.CloudTrail {
			continue
		}
		if err := identity.Read(raw, &f); err != nil {
			t.Fatal(err)
		}
		caller, _ := f.Caller.AppendBinary(nil)
		w := resolve(string(caller))
		kinds[w.Type]++
		if err := ids.Extract(raw, &event.Meta{}, row); err != nil {
			t.Fatal(err)
		}
		want = append(want, list(row.Cell(0).Text)+list(w.Actor)+list(w.Type)+list(w.Session)+list(w.Chain))
	}
	slices.Sort(want)
	if len(kinds) < 11 || len(want) < 1000 {
		t.Errorf("%d records of the kinds %v", len(want), kinds)
	}
	const every = "sourcetype=aws:cloudtrail | table eventID actor actor_type session_id actor_chain"
	searches := []string{
		every,
		"* | stats count dc(eventID) by actor actor_type",
		"* | stats count by session_id",
		"NOT actor=*role* | stats count by actor_chain",
		"actor_type IN (iam-user root) earliest=01/10/2026:00:00:00 latest=01/12/2026:00:00:00 | stats count by actor session_id",
		"(actor_type=service OR errorCode=AccessDenied) eventName=Assume* | stats count by actor_chain eventName",
		"actor=octocat | table actor session_id note",
		"sourcetype=aws:cloudtrail | timechart span=1d dc(actor)",
		"actor_type=role | sort 20 - _time eventID | table _time eventID actor",
		"* | eval a=coalesce(actor, session_id) | stats count by a",
	}
	first := map[string][]string{}
	for name, st := range stores(t, records) {
		for _, text := range searches {
			got := rows(t, search.Options{Text: text, Store: st, Clock: time.Unix(1_800_000_000, 0)})
			if text == every {
				if d := cmp.Diff(want, got); d != "" {
					t.Fatalf("%s (-hunt +%s): %.3000s", text, name, d)
				}
			}
			if len(got) == 0 {
				t.Errorf("%s: %s has no rows", name, text)
			}
			if first[text] == nil {
				first[text] = got
			} else if d := cmp.Diff(first[text], got); d != "" {
				t.Errorf("%s (-another store +%s): %.3000s", text, name, d)
			}
		}
	}
}

// TestNarrow: a search for an actor or a session finds the events that a search of all
// events finds.
func TestNarrow(t *testing.T) {
	records := trail(t)
	all := stores(t, records)
	for name, every := range map[string]int{"files": 23, "vlogs": 5} {
		st := all[name]
		for _, field := range []string{"actor", "session_id"} {
			want := map[string]string{}
			for _, line := range rows(t, search.Options{Text: "* | stats count by " + field, Store: st}) {
				var value, count string
				if _, err := fmt.Sscanf(line, "[%q] [%q]", &value, &count); err != nil {
					t.Fatal(line, err)
				}
				want[value] = count
			}
			shared := &actors.Actors{}
			kept, tried := 0, 0
			for i, value := range slices.Sorted(maps.Keys(want)) {
				if i%every != 0 || field == "session_id" && i%(4*every) != 0 && !strings.HasPrefix(value, "Root/") { // some of the many
					continue
				}
				tried++
				read := 0
				got := rows(t, search.Options{Text: filter.PrintTest(field, value) + " | stats count", Store: counted{st, &read}, Actors: shared})
				if w := fmt.Sprintf("%q ", []string{want[value]}); len(got) != 1 || got[0] != w {
					t.Errorf("%s: %s=%q: %s events, want %s", name, field, value, got, w)
				}
				if read < len(records)/2 {
					kept++
				}
			}
			if tried < 8 || kept < tried*3/4 {
				t.Errorf("%s: %d values of %s, %d with fewer events to look at", name, tried, field, kept)
			}
		}
	}
}

// counted counts the rows that scans of a store deliver.
type counted struct {
	store.Store
	rows *int
}

func (c counted) Prepare(q *store.Query) (store.Scan, error) {
	sc, err := c.Store.Prepare(q)
	return countedScan{sc, c.rows}, err
}

type countedScan struct {
	store.Scan
	rows *int
}

func (c countedScan) Run(ctx context.Context, emit emitter) error {
	var mu sync.Mutex
	return c.Scan.Run(ctx, func(n int, b *vector.Batch) error {
		if b != nil {
			mu.Lock()
			*c.rows += b.Len
			mu.Unlock()
		}
		return emit(n, b)
	})
}

type emitter = func(int, *vector.Batch) error

func discard(int, *vector.Batch) error { return nil }

// query is a query for fields of all events that a condition finds.
func query(t testing.TB, where string, fields ...string) *store.Query {
	t.Helper()
	e, err := syntax.ParseSearchExpr(where)
	if err != nil {
		t.Fatal(err)
	}
	return &store.Query{Filter: e, Fields: filter.Fields(fields...), Earliest: store.Beginning, Latest: store.End}
}

// valuesOf returns what a search says of the chains and sessions of all events, as
// stats would count them.
func valuesOf(t testing.TB, in *actors.Search, st store.Store) (list []string) {
	t.Helper()
	sc, err := in.Over(st).Prepare(query(t, "*", "actor_chain", "session_id"))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	counts := map[string]int{}
	err = sc.Run(t.Context(), func(_ int, b *vector.Batch) error {
		mu.Lock()
		defer mu.Unlock()
		for i := range b.Len {
			chain, session := b.At("actor_chain", i), b.At("session_id", i)
			if chain.IsNull() || session.IsNull() {
				continue
			}
			counts[fmt.Sprintf("%q %q ", chain.All(), session.All())]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for line, n := range counts {
		list = append(list, fmt.Sprintf("%s%q ", line, []string{fmt.Sprint(n)}))
	}
	slices.Sort(list)
	return list
}
