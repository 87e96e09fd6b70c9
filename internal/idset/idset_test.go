package idset

import (
	"encoding/binary"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/tally"
)

func open(t testing.TB, dir string) *Set {
	t.Helper()
	return openWith(t, dir, nil)
}

func openWith(t testing.TB, dir string, counts Counts) *Set {
	t.Helper()
	s, err := Open(dir, counts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func number(n uint64) (id ID) {
	binary.LittleEndian.PutUint64(id[8:], n)
	return id
}

func random(rnd *rand.Rand) (id ID) {
	binary.LittleEndian.PutUint64(id[:], rnd.Uint64())
	binary.LittleEndian.PutUint64(id[8:], rnd.Uint64())
	return id
}

var start = time.Date(2026, 1, 5, 0, 30, 0, 0, time.UTC)

// TestSet compares with plain maps, across commits, crashes that tear a log,
// forgotten days, merged runs, and a budget that evicts and reloads buckets.
func TestSet(t *testing.T) {
	type entry struct {
		id  ID
		key Key
	}
	// The loose ids are one set, whatever their day.
	same := func(e entry) entry {
		if e.key.Loose {
			e.key.Day = 0
		}
		return e
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	dir := t.TempDir()
	counts := Counts{}
	reopen := func() *Set {
		s := openWith(t, dir, counts)
		for _, deep := range []bool{false, true} {
			if bad, err := s.Check(deep, true); err != nil || len(bad) > 0 {
				t.Fatalf("deep %v: damage %v, error %v", deep, bad, err)
			}
		}
		s.budget, s.most = 64<<10, 60
		return s
	}
	s := reopen()
	kept, fresh := map[entry]Day{}, map[entry]Day{}
	for range 60_000 {
		switch rnd.IntN(400) {
		case 0:
			if err := s.Commit(); err != nil {
				t.Fatal(err)
			}
			maps.Copy(counts, s.Changed())
			for k, day := range fresh {
				kept[k] = day
			}
			clear(fresh)
		case 1: // a crash during a commit
			for _, b := range s.dirty {
				f, err := os.OpenFile(b.logPath(), os.O_WRONLY|os.O_APPEND, 0)
				if errors.Is(err, os.ErrNotExist) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if _, err := f.Write(make([]byte, 1+rnd.IntN(70))); err != nil {
					t.Fatal(err)
				}
				f.Close()
				break
			}
			s.Close()
			s = reopen()
			clear(fresh)
		case 2:
			if len(fresh) > 0 {
				continue
			}
			day := tally.DayOf(start.UnixNano()) + Day(rnd.IntN(6))
			if err := s.Forget(day); err != nil {
				t.Fatal(err)
			}
			maps.Copy(counts, s.Changed())
			for k, d := range kept {
				if d == day {
					delete(kept, k)
				}
			}
		default:
			ns := start.Add(time.Duration(rnd.IntN(6)) * 24 * time.Hour).UnixNano()
			e := entry{number(uint64(rnd.IntN(2000))), KeyOf(ns, rnd.IntN(3) > 0)}
			isNew, err := s.Add(e.id, e.key)
			if err != nil {
				t.Fatal(err)
			}
			k := same(e)
			_, was := kept[k]
			_, is := fresh[k]
			if isNew == (was || is) {
				t.Fatalf("id %v: new is %v", e, isNew)
			}
			if isNew {
				fresh[k] = e.key.Day
			}
		}
		if len(s.buckets) > 0 && len(s.dirty) == 0 && s.memory > 120<<10 {
			t.Fatalf("%d bytes are held, the budget is %d", s.memory, s.budget)
		}
	}
	if len(kept) < 3000 {
		t.Errorf("only %d ids were kept", len(kept))
	}
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	for k, day := range fresh {
		kept[k] = day
	}
	got := map[entry]Day{}
	err := s.Each(func(k Key, id ID) error {
		e := same(entry{id, k})
		if _, twice := got[e]; twice {
			t.Errorf("%v comes twice", e)
		}
		got[e] = k.Day
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	perDay := map[Day]int{}
	for e, day := range kept {
		perDay[day]++
		if d, ok := got[e]; !ok || d != day {
			t.Fatalf("%v of day %v is given as %v %v", e, day, d, ok)
		}
	}
	if len(got) != len(kept) {
		t.Errorf("%d ids are given, want %d", len(got), len(kept))
	}
	for day, want := range perDay {
		n := 0
		if err := s.Day(day, func(ID) error { n++; return nil }); err != nil || n != want {
			t.Errorf("%v has %d ids, want %d (%v)", day, n, want, err)
		}
	}
}

// TestTemp compares with a map, with a table so small that runs are written and
// merged.
func TestTemp(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	s := NewTemp(t.TempDir(), 50)
	defer s.Close()
	have := map[ID]bool{}
	for range 3000 {
		ids, known := make([]ID, 1+rnd.IntN(20)), make([]bool, 20)
		for i := range ids {
			ids[i] = number(uint64(rnd.IntN(20_000)))
		}
		if err := s.Add(ids, known); err != nil {
			t.Fatal(err)
		}
		for i, id := range ids {
			if want := have[id]; known[i] != want {
				t.Fatalf("%v is known: %v, want %v", id, known[i], want)
			}
			have[id] = id != ID{}
		}
	}
	if len(s.runs) == 0 || len(s.runs) > 20 {
		t.Errorf("%d runs of %d ids", len(s.runs), len(have))
	}
}

// TestTempFolder: ids that do not fit in memory go to the given folder.
// TestTempExpects: room for expected ids is allocated once, and never beyond
// what a set may hold in memory.
func TestTempExpects(t *testing.T) {
	s := NewTemp(t.TempDir(), 1000)
	s.Expect(600)
	room := len(s.table.slots)
	list, known := make([]ID, 600), make([]bool, 600)
	for i := range list {
		list[i] = number(uint64(i + 1))
	}
	if err := s.Add(list, known); err != nil {
		t.Fatal(err)
	}
	if len(s.table.slots) != room || slices.Contains(known, true) {
		t.Errorf("600 ids took %d slots of %d; known: %v", len(s.table.slots), room, known)
	}
	if s.Expect(1 << 40); len(s.table.slots) > 2048 {
		t.Errorf("a set of 1000 ids has %d slots", len(s.table.slots))
	}
	if err := s.Add(list, known); err != nil || slices.Contains(known, false) {
		t.Errorf("not all ids are known any more: %v", err)
	}
	s.Close()
}

func TestTempFolder(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	s := NewTemp(missing, 1)
	defer s.Close()
	if err := s.Add([]ID{number(1)}, make([]bool, 1)); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("ids were written to a folder that is not there: %v", err)
	}
}

// TestMemory: nine million ids of one day, or of one search, take far less than
// 200 MB.
func TestMemory(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("nine million ids take long")
	}
	const ids = 9_000_000
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.Sys - m.HeapReleased
	}
	before, most := heap(), uint64(0)
	rnd := rand.New(rand.NewPCG(5, 6))
	s := open(t, t.TempDir())
	key := KeyOf(start.UnixNano(), true)
	for i := range ids {
		if isNew, err := s.Add(random(rnd), key); err != nil || !isNew {
			t.Fatal(i, isNew, err)
		}
		if i%400_000 == 0 {
			if err := s.Commit(); err != nil {
				t.Fatal(err)
			}
			most = max(most, heap())
		}
	}
	if s.memory > Budget {
		t.Errorf("%d bytes are held", s.memory)
	}
	if taken := int64(most - before); taken > 150<<20 {
		t.Errorf("the set took %d MiB", taken>>20)
	}
	rnd = rand.New(rand.NewPCG(5, 6))
	for i := range 100_000 {
		if isNew, err := s.Add(random(rnd), key); err != nil || isNew {
			t.Fatalf("id %d is new again (%v)", i, err)
		}
	}
	s.Close()
	runtime.GC()
	temp := NewTemp("", 0)
	defer temp.Close()
	batch, known := make([]ID, 500), make([]bool, 500)
	for range ids / len(batch) {
		for i := range batch {
			batch[i] = random(rnd)
		}
		if err := temp.Add(batch, known); err != nil {
			t.Fatal(err)
		}
	}
	if got := temp.bytes(); got > 120<<20 {
		t.Errorf("a search's set holds %d MiB", got>>20)
	}
}

func TestOtherFormats(t *testing.T) {
	for name, tc := range map[string]struct{ content, want string }{
		"of an earlier version": {"bluetrail ids 2\n", ""},
		"damaged":               {"\x00\x01", ""},
		"of a later version":    {"bluetrail ids 9\n", "a newer version wrote"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			key := KeyOf(start.UnixNano(), true)
			set := open(t, dir)
			if _, err := set.Add(number(1), key); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(set.Commit(), set.Close(), os.WriteFile(filepath.Join(dir, formatFile), []byte(tc.content), 0o600)); err != nil {
				t.Fatal(err)
			}
			set, err := Open(dir, set.Changed())
			if tc.want != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("error %v, want one with %q", err, tc.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer set.Close()
			if bad, err := set.Check(false, true); err != nil || len(bad) != 1 || bad[0].Name != NameOf(key) {
				t.Errorf("damage %v, error %v", bad, err)
			}
		})
	}
}

// TestDamage: every changed byte of a run's own data is noticed, at the latest
// when all of it is read.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	s.most = 100
	key := KeyOf(start.UnixNano(), true)
	rnd := rand.New(rand.NewPCG(7, 8))
	for range 300 {
		if _, err := s.Add(random(rnd), key); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	s.Close()
	path := filepath.Join(dir, "2026-01-05.1.run")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(good); at += 7 {
		bad := slices.Clone(good)
		bad[at] ^= 0x10
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		s := openWith(t, dir, nil)
		if err := s.Day(key.Day, func(ID) error { return nil }); !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d: error %v, want one about damage", at, err)
		}
		if bad, err := s.Check(false, false); err != nil || len(bad) != 1 { // it was marked
			t.Fatalf("byte %d: the next check finds %v (%v)", at, bad, err)
		}
		if err := s.Drop(NameOf(key)); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
}

func BenchmarkSetAdd(b *testing.B) {
	s := open(b, b.TempDir())
	rnd := rand.New(rand.NewPCG(1, 2))
	key := KeyOf(start.UnixNano(), true)
	for i := range b.N {
		if _, err := s.Add(random(rnd), key); err != nil {
			b.Fatal(err)
		}
		if i%400_000 == 399_999 {
			if err := s.Commit(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkTempAdd(b *testing.B) {
	s := NewTemp("", 0)
	defer s.Close()
	rnd := rand.New(rand.NewPCG(1, 2))
	ids, known := make([]ID, 512), make([]bool, 512)
	for range b.N/512 + 1 {
		for i := range ids {
			ids[i] = random(rnd)
		}
		if err := s.Add(ids, known); err != nil {
			b.Fatal(err)
		}
	}
}
