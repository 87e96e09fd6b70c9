package ingest

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// TestIDStore compares with a plain set, over commits, crashes that tear a file
// and a budget that makes hours come and go.
func TestIDStore(t *testing.T) {
	type key struct {
		id   recordID
		hour int
	}
	start := time.Date(2026, 1, 5, 0, 30, 0, 0, time.UTC)
	rnd := rand.New(rand.NewPCG(3, 4))
	dir := t.TempDir()
	const budget = 200
	s := newIDStore(dir, budget)
	kept, fresh := map[key]bool{}, map[key]bool{}
	for range 20_000 {
		switch rnd.IntN(400) {
		case 0:
			if err := s.commit(); err != nil {
				t.Fatal(err)
			}
			for k := range fresh {
				kept[k] = true
			}
			clear(fresh)
			if s.slots > budget {
				t.Fatalf("%d slots are in memory, want at most %d", s.slots, budget)
			}
		case 1:
			for _, h := range s.dirty { // a commit that was cut off
				if f, err := os.OpenFile(s.path(h.key), os.O_WRONLY|os.O_APPEND, 0); err == nil {
					if _, err := f.Write(make([]byte, 1+rnd.IntN(15))); err != nil {
						t.Fatal(err)
					}
					f.Close()
					break
				}
			}
			s = newIDStore(dir, budget)
			clear(fresh)
		default:
			k := key{hour: rnd.IntN(6)}
			binary.LittleEndian.PutUint64(k.id[8:], uint64(rnd.IntN(300)))
			ns := start.Add(time.Duration(k.hour) * time.Hour).UnixNano()
			if k.hour == 5 {
				ns = -1
			}
			isNew, err := s.add(k.id, ns)
			if err != nil {
				t.Fatal(err)
			}
			if isNew == (kept[k] || fresh[k]) {
				t.Fatalf("id %v: new is %v", k, isNew)
			}
			fresh[k] = true
		}
	}
	if len(kept) < 500 {
		t.Errorf("only %d ids were kept", len(kept))
	}
}
