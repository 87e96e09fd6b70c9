package idset

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// TestLookupsNoticeDamage: an id hidden by a damaged page is not treated as
// new.
func TestLookupsNoticeDamage(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	s.most = 500
	key := KeyOf(start.UnixNano(), true)
	rnd := rand.New(rand.NewPCG(7, 8))
	var ids []ID
	for range 1000 {
		ids = append(ids, random(rnd))
		if _, err := s.Add(ids[len(ids)-1], key); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.Commit(), s.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "2026-01-05.1.run")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[headerSize+300*16] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s = openWith(t, dir, s.Changed())
	var failed error
	for _, id := range ids {
		isNew, err := s.Add(id, key)
		if isNew {
			t.Fatal("a known id is taken for new")
		}
		failed = errors.Join(failed, err)
	}
	if !errors.Is(failed, ErrDamaged) {
		t.Errorf("error %v, want one about damage", failed)
	}
}

// TestCounts damages the log of a day: counted ids have to be there, and what a
// crash tore after them does not matter.
func TestCounts(t *testing.T) {
	const frames, each = 3, 10
	frame := frameHead + each*16
	for name, tc := range map[string]struct {
		spoil func(data []byte) []byte
		cheap bool // sizes reveal it
		fine  bool
	}{
		"a flipped first frame": {spoil: func(d []byte) []byte { d[len(logMagic)+frameHead+5] ^= 1; return d }},
		"a flipped last frame":  {spoil: func(d []byte) []byte { d[len(d)-1] ^= 1; return d }},
		"a cut last frame":      {spoil: func(d []byte) []byte { return d[:len(d)-20] }, cheap: true},
		"two frames less":       {spoil: func(d []byte) []byte { return d[:len(logMagic)+frame] }, cheap: true},
		"nothing":               {spoil: func(d []byte) []byte { return nil }, cheap: true},
		"zeros":                 {spoil: func(d []byte) []byte { clear(d); return d }},
		"a torn frame behind":   {spoil: func(d []byte) []byte { return append(d, 10, 0, 0, 0, 7) }, fine: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			key := KeyOf(start.UnixNano(), true)
			s := open(t, dir)
			for i := range uint64(frames * each) {
				if _, err := s.Add(number(i), key); err != nil {
					t.Fatal(err)
				}
				if i%each == each-1 {
					if err := s.Commit(); err != nil {
						t.Fatal(err)
					}
				}
			}
			counts := s.Changed()
			s.Close()
			path := filepath.Join(dir, NameOf(key)+".log")
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, tc.spoil(data), 0o600); err != nil {
				t.Fatal(err)
			}
			s = openWith(t, dir, counts)
			if bad, err := s.Check(false, true); err != nil || (len(bad) > 0) != tc.cheap {
				t.Errorf("a quick check finds %v (%v)", bad, err)
			}
			if bad, err := s.Check(true, true); err != nil || (len(bad) > 0) == tc.fine {
				t.Errorf("a deep check finds %v (%v)", bad, err)
			}
			isNew, err := s.Add(number(frames*each-1), key)
			if isNew || errors.Is(err, ErrDamaged) == tc.fine {
				t.Errorf("the last id is new: %v, %v", isNew, err)
			}
		})
	}
}
