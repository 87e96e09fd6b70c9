package vlogs

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
	"pgregory.net/rapid"
)

// addRecords puts records into the store through several writers at once, and
// returns how many of them the store keeps.
func addRecords(t testing.TB, st *Store, batch int64, lists ...[]string) {
	t.Helper()
	var wg sync.WaitGroup
	for k, list := range lists {
		wg.Go(func() {
			w := st.NewWriter()
			defer w.Close()
			for i, text := range list {
				raw := []byte(text)
				m := event.Meta{Index: event.DefaultIndex, Sourcetype: event.Detect(raw), Source: "file", Host: "aws", Fallback: 1_767_600_000_000_000_000}
				r := Record{Raw: raw, Meta: &m, Time: m.Fallback, Batch: batch, Seq: uint64(batch)<<20 | uint64(k)<<16 | uint64(i)}
				if ns, ok := event.TimeOf(raw); ok {
					r.Time, r.Timed = ns, true
				}
				r.ID, r.Given = event.ID(raw)
				if err := w.Add(&r); err != nil {
					t.Errorf("%.200s: %v", text, err)
				}
				if i%37 == 0 {
					if err := w.Flush(); err != nil {
						t.Error(err)
					}
				}
			}
			if err := w.Flush(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := st.Sync(); err != nil {
		t.Fatal(err)
	}
}

func openStore(t testing.TB, dir string) *Store {
	t.Helper()
	st, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func countOf(t testing.TB, st *Store, search string) int {
	t.Helper()
	where, err := syntax.ParseSearchExpr(search)
	if err != nil {
		t.Fatal(err)
	}
	return len(answer(t, st, store.Query{Filter: where, Fields: filter.Fields("eventID"), Earliest: store.Beginning, Latest: store.End}))
}

// mostNames returns the largest number of names that the engine has in a stream,
// read back from its blocks.
func mostNames(t testing.TB, st *Store) (most int) {
	t.Helper()
	for _, tenant := range tenants {
		q, err := logstorage.ParseQuery("*")
		if err != nil {
			t.Fatal(err)
		}
		streams, err := st.db.GetStreams(logstorage.NewQueryContext(ctx, &logstorage.QueryStats{}, []logstorage.TenantID{tenant}, q, false, nil), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, stream := range streams {
			q, err := logstorage.ParseQuery(stream.Value)
			if err != nil {
				t.Fatal(err)
			}
			names, err := st.db.GetFieldNames(logstorage.NewQueryContext(context.Background(), &logstorage.QueryStats{}, []logstorage.TenantID{tenant}, q, false, nil), "")
			if err != nil {
				t.Fatal(err)
			}
			most = max(most, len(names))
		}
	}
	return most
}

// namesBound is the most names a stream may have: the learned and fixed ones,
// and the engine's own _time, _stream and _stream_id together with the columns
// of every row.
var namesBound = maxLearned + len(fixed) + 16

// TestBound keeps the bound well below the engine's limit: a block may have as
// many names as its stream, and the engine counts the names of a row on top of
// that.
func TestBound(t *testing.T) {
	if limit := 2000; 2*namesBound > limit {
		t.Errorf("a stream may have %d names, which is more than half of the engine's limit of %d", namesBound, limit)
	}
	if row := maxRaw + maxWords + maxColumns + 2*maxColumn + namesBound*(maxName+len(ownPrefix)+6); row > 2<<20 {
		t.Errorf("a row may have %d bytes, which is more than the engine's limit", row)
	}
}

// TestManyTagKeys stores events with more distinct names than a block may have.
func TestManyTagKeys(t *testing.T) {
	st := openStore(t, t.TempDir())
	defer st.Close()
	var list []string
	for i := range 45 {
		var tags []string
		for k := range 50 {
			tags = append(tags, fmt.Sprintf(`"key-%d-%d":"value %d"`, i, k, k))
		}
		list = append(list, fmt.Sprintf(`{"eventVersion":"1.08","eventID":"t%d","eventTime":"2026-01-05T10:00:%02dZ","eventSource":"s3.amazonaws.com","eventName":"PutObject","awsRegion":"us-east-1","requestParameters":{"tags":{%s}}}`, i, i, strings.Join(tags, ",")))
	}
	addRecords(t, st, 1, list)
	for _, merged := range []bool{false, true} {
		if merged {
			st.Merge()
		}
		for search, want := range map[string]int{
			`*`: 45, `eventName=PutObject`: 45, `eventID=t44`: 1, `requestParameters.tags.key-0-0="value 0"`: 1, `requestParameters.tags.key-44-49="value 49"`: 1,
			`requestParameters.tags.key-44-49=*`: 1, `NOT requestParameters.tags.key-44-49=*`: 44, `awsRegion=us-east-1 requestParameters.tags.key-7-3=value*`: 1,
		} {
			if got := countOf(t, st, search); got != want {
				t.Errorf("merged=%v: %s finds %d events, want %d", merged, search, got, want)
			}
		}
	}
}

// TestNamesOfManyRuns adds few names in each run, but too many in total.
func TestNamesOfManyRuns(t *testing.T) {
	dir := t.TempDir()
	stored := 0
	for run := range 8 {
		st := openStore(t, dir)
		var list []string
		for i := range 20 {
			var keys []string
			for k := range 400 {
				keys = append(keys, fmt.Sprintf(`"r%dk%d":%d`, run, (k+i)%500, k))
			}
			list = append(list, fmt.Sprintf(`{"eventVersion":"1.08","eventID":"r%de%d","eventTime":"2026-01-05T10:%02d:%02dZ","eventSource":"x.amazonaws.com","eventName":"E","requestParameters":{%s}}`, run, i, run, i, strings.Join(keys, ",")))
		}
		addRecords(t, st, int64(run+1), list[:10], list[10:])
		stored += len(list)
		st.Merge()
		if got := countOf(t, st, `*`); got != stored {
			t.Fatalf("run %d: %d events of %d are found", run, got, stored)
		}
		if got := countOf(t, st, `eventID=r0e*`); got != 20 {
			t.Fatalf("run %d: %d events of the first run are found, want 20", run, got)
		}
		if got := countOf(t, st, fmt.Sprintf(`requestParameters.r%dk410=*`, run)); got != 9 {
			t.Errorf("run %d: its name of number 410 is found %d times, want 9", run, got)
		}
		if most := mostNames(t, st); most > namesBound {
			t.Fatalf("run %d: a stream has %d names, bound %d", run, most, namesBound)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRandomNames has several writers add events with random keys in random
// places, across restarts and merges.
func TestRandomNames(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 5))
	key := func() string { // some often, most once
		if rnd.IntN(2) == 0 {
			return fmt.Sprintf("k%d", rnd.IntN(300))
		}
		return strings.Repeat(string(rune('a'+rnd.IntN(26))), 1+rnd.IntN(3)) + fmt.Sprint(rnd.IntN(1_000_000))
	}
	dir := t.TempDir()
	type leaf struct{ name, value string }
	want := map[leaf][]string{}
	total := 0
	for round := range 3 {
		st := openStore(t, dir)
		lists := make([][]string, 2)
		for n := range 160 {
			id := fmt.Sprintf("e%dx%d", round, n)
			var parts []string
			for range rnd.IntN(30) {
				prefix := []string{"requestParameters", "tags", "requestParameters.encryptionContext", "responseElements.x"}[rnd.IntN(4)]
				k, v := key(), fmt.Sprintf("v%d", rnd.IntN(50))
				name := prefix + "." + k
				if slices.ContainsFunc(parts, func(p string) bool { return strings.HasPrefix(p, `"`+name+`"`) }) {
					continue
				}
				parts = append(parts, fmt.Sprintf("%q:%q", name, v))
				want[leaf{name, v}] = append(want[leaf{name, v}], id)
			}
			parts = append(parts, fmt.Sprintf(`"eventID":%q`, id))
			lists[n%2] = append(lists[n%2], fmt.Sprintf(`{"eventVersion":"1.08","eventTime":"2026-01-0%dT10:00:00Z","eventSource":"s%d","eventName":"n",%s}`, 1+rnd.IntN(3), rnd.IntN(2), strings.Join(parts, ",")))
			total++
		}
		addRecords(t, st, int64(round+1), lists...)
		if round%2 == 1 {
			st.Merge()
		}
		if got := countOf(t, st, `*`); got != total {
			t.Fatalf("round %d: %d events of %d are found", round, got, total)
		}
		if most := mostNames(t, st); most > namesBound {
			t.Fatalf("round %d: a stream has %d names, bound %d", round, most, namesBound)
		}
		leaves := 0
		for l, ids := range want { // map order varies
			if leaves++; leaves > 60 {
				break
			}
			if got := countOf(t, st, fmt.Sprintf(`%s=%s`, l.name, l.value)); got != len(ids) {
				t.Errorf("round %d: %s=%s finds %d events, want %d", round, l.name, l.value, got, len(ids))
			}
			if got := countOf(t, st, `eventID=`+ids[0]); got != 1 {
				t.Errorf("round %d: eventID=%s finds %d events", round, ids[0], got)
			}
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestColumnSetBounds takes random names, with restarts.
func TestColumnSetBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "columns")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		s, err := openColumns(dir, false)
		if err != nil {
			t.Fatal(err)
		}
		taken := map[string]bool{}
		for range rapid.IntRange(1, 4).Draw(t, "runs") {
			for k := range rapid.IntRange(0, 700).Draw(t, "names") {
				stream := fmt.Sprintf("aws%sst%sn%d%s%s", several, several, k%2, several, several)
				name := rapid.SampledFrom([]string{"requestParameters.", "requestParameters.tags.", "\u0000", "x-amz-meta-"}).Draw(t, "prefix") + fmt.Sprint(rapid.IntRange(0, 1000).Draw(t, "key"))
				if s.Take(s.Stream(stream), name) {
					taken[stream+name] = true
				} else if taken[stream+name] {
					t.Fatalf("%q was taken, and refused later", name)
				}
			}
			if err := s.Persist(); err != nil {
				t.Fatal(err)
			}
			if s, err = openColumns(dir, true); err != nil {
				t.Fatal(err)
			}
			n := 0
			for key, st := range s.streams {
				n += len(st.known)
				if len(st.known) > maxLearned || st.free > maxFreeForm {
					t.Fatalf("stream %q has %d names, %d of them free", key, len(st.known), st.free)
				}
			}
			if s.frozen || n != len(taken) {
				t.Fatalf("frozen=%v, %d names are known after a restart, %d were taken", s.frozen, n, len(taken))
			}
		}
	})
}

// TestColumnsFileDamaged cuts and damages the file.
func TestColumnsFileDamaged(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, columnsFile)
	s, err := openColumns(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		s.Take(s.Stream("a"), fmt.Sprintf("name%d", i))
		if err := s.Persist(); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	reopen := func(data []byte) *columnSet {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := openColumns(dir, true)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	// A line that was cut off is written again.
	last := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1 // the line that counts the others
	s = reopen(whole[:last-5])
	if s.frozen || len(s.Stream("a").known) != 2 {
		t.Errorf("cut: frozen=%v with %d names, want 2", s.frozen, len(s.Stream("a").known))
	}
	if !s.Take(s.Stream("a"), "name2") || s.Persist() != nil {
		t.Error("cut: the name is not taken anew")
	}
	if data, _ := os.ReadFile(path); string(data) != string(whole) {
		t.Errorf("cut: the file is\n%s, want\n%s", data, whole)
	}
	// After damage nothing more is learned, not even after a restart.
	damaged := slices.Clone(whole)
	damaged[len(whole)/2] ^= 1
	for s = reopen(damaged); ; s = reopen(damaged) {
		if !s.frozen || s.Take(s.Stream("a"), "name9") || !s.Take(s.Stream("a"), "name2") {
			t.Errorf("damaged: frozen=%v", s.frozen)
		}
		if err := s.Persist(); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Equal(data, damaged) {
			break
		}
		damaged = data
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if s, err = openColumns(dir, true); err != nil || !s.frozen {
		t.Errorf("missing: frozen=%v, %v", s.frozen, err)
	}
}

// TestManyStreams uses more streams than may have columns.
func TestManyStreams(t *testing.T) {
	s, err := openColumns(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxStreams {
		if s.Stream(fmt.Sprintf("aws%sst%ss%sn%d%s", several, several, several, i, several)) == nil {
			t.Fatalf("stream %d gets no columns", i)
		}
	}
	if s.Stream(fmt.Sprintf("aws%sst%ss%sone more%s", several, several, several, several)) != nil {
		t.Error("there is no bound of streams")
	}
	if s.Stream("aws"+several+"st") == nil {
		t.Error("odd rows get no stream")
	}
	st := openStore(t, t.TempDir())
	defer st.Close()
	st.columns = s
	addRecords(t, st, 1, []string{`{"eventVersion":"1.08","eventID":"m1","eventTime":"2026-01-05T10:00:00Z","eventSource":"new","eventName":"New","requestParameters":{"a":"b"}}`})
	for _, search := range []string{`eventName=New`, `requestParameters.a=B`, `eventID=m1`, `index=main`} {
		if got := countOf(t, st, search); got != 1 {
			t.Errorf("%s finds %d events, want 1", search, got)
		}
	}
}
