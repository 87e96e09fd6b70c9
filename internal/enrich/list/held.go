package list

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"bluetrail/internal/enrich"
	"bluetrail/internal/leftover"

	"github.com/dustin/go-humanize"
	"github.com/klauspost/compress/gzip"
)

// Spec says where a list comes from: a file, a table that a search writes, or a URL.
type Spec struct {
	Name     string
	File     string
	Lookup   string // the name of a lookup; its file is found by Keeper.Table
	URL      string
	Every    time.Duration // between two looks at a URL
	AuthFile string        // holds the value of the Authorization header
	Options  Options
	Kind     enrich.Kind // of the addresses on the list; "" = it says nothing of that
	Reason   string      // for entries without one
}

// Held is a list with how it came here. It is constant.
type Held struct {
	Spec
	List    *List     // nil = nothing usable
	Of      time.Time // when the content was written, or fetched
	Checked time.Time // when the source was last asked with success; zero = never
	Err     error     // what went wrong last
	Kept    bool      // List is an older copy, because what came since cannot be used

	path  string // of the file
	note  note
	stamp stamp
	tried time.Time // when the URL was last asked
}

// Stale reports whether a list from a URL could not be renewed for a long time.
func (h *Held) Stale(now time.Time) bool {
	return h.URL != "" && now.Sub(h.Checked) > max(3*h.Every, 24*time.Hour)
}

// Awaited reports whether a list from a URL has no content because nobody has asked for it yet.
func (h *Held) Awaited() bool { return h.URL != "" && h.List == nil && h.tried.IsZero() }

// Set is the lists of a process.
type Set []*Held

var _ enrich.Lists = Set{}

// Lookup returns the lists that an address is on.
func (s Set) Lookup(a netip.Addr) (hits []enrich.Hit) {
	for _, h := range s {
		if h.List == nil {
			continue
		}
		reason, ok := h.List.Lookup(a)
		if !ok {
			continue
		}
		if reason == "" {
			reason = h.Reason
		}
		hits = append(hits, enrich.Hit{List: h.Name, Reason: reason, Kind: h.Kind})
	}
	return hits
}

// Names returns the names of the lists.
func (s Set) Names() []string {
	names := make([]string, len(s))
	for i, h := range s {
		names[i] = h.Name
	}
	return names
}

// Keeper reads lists, and keeps the last good copy of each in a folder.
type Keeper struct {
	Dir   string // "" = no copies
	Write bool   // copies are written, not only read
	Table func(lookup string) (path string, err error)
	Now   func() time.Time
	fetcher
	limit int64 // of a list, in bytes; 0 = MaxBytes
}

// note is what is kept beside a copy.
type note struct {
	Source   string    `json:"source"`
	ETag     string    `json:"etag,omitempty"`
	Modified string    `json:"last_modified,omitempty"`
	Of       time.Time `json:"of"`
	Checked  time.Time `json:"checked,omitzero"`
	Tried    time.Time `json:"tried,omitzero"`
	Problem  string    `json:"problem,omitempty"` // of the last try
}

// stamp tells whether a file changed.
type stamp struct {
	size int64
	time time.Time
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{size: -1}
	}
	return stamp{info.Size(), info.ModTime()}
}

// source is what a copy is a copy of.
func (s *Spec) source() string {
	if s.URL != "" {
		return s.URL
	}
	return s.File
}

// path returns the file of a list that is not fetched.
func (k *Keeper) path(s *Spec) (string, error) {
	if s.Lookup == "" {
		return s.File, nil
	}
	return k.Table(s.Lookup)
}

// Load reads a list from its file, or the copy of what was fetched. before is the list as
// it was held, nil = not yet; it is returned if nothing changed.
func (k *Keeper) Load(s Spec, before *Held) *Held {
	if s.URL != "" {
		if before != nil {
			return before
		}
		h := &Held{Spec: s}
		k.fromCopy(h)
		if h.List == nil && h.Err == nil {
			h.Err = errors.New("it has not been fetched yet; bluetrail serve and bluetrail lists --refresh do so")
		}
		return h
	}
	path := ""
	if before != nil && stampOf(before.path).size >= 0 {
		path = before.path // looking a table up costs more than its state
	} else {
		var err error
		if path, err = k.path(&s); err != nil {
			return k.fallBack(&Held{Spec: s, stamp: stamp{size: -1}}, before, err)
		}
	}
	at := stampOf(path)
	if before != nil && before.stamp == at && at.size >= 0 {
		return before
	}
	h := &Held{Spec: s, path: path, stamp: at, Of: at.time}
	data, err := k.read(path)
	if err != nil {
		return k.fallBack(h, before, err)
	}
	l, err := Parse(data, k.options(&s))
	if s.Lookup != "" && Empty(err) {
		// A search found nobody: that is an answer.
		h.List, h.Checked = l, k.Now()
		return h
	}
	if err != nil {
		return k.fallBack(h, before, err)
	}
	h.List, h.Checked = l, k.Now()
	if s.Lookup == "" {
		if err := k.keep(h, data); err != nil {
			h.Err = err
		}
	}
	return h
}

func (k *Keeper) options(s *Spec) Options {
	o := s.Options
	o.Now = k.Now()
	return o
}

// fallBack holds on to what was known before, or to the copy.
func (k *Keeper) fallBack(h, before *Held, why error) *Held {
	if errors.Is(why, fs.ErrNotExist) {
		why = errors.New("its file is missing")
	}
	h.Err = why
	if before != nil && before.Err != nil && before.Err.Error() == why.Error() && before.stamp == h.stamp {
		return before // nothing happened since
	}
	switch {
	case before != nil && before.List != nil && before.List.Entries > 0:
		h.List, h.Of, h.Checked, h.note, h.Kept = before.List, before.Of, before.Checked, before.note, true
	case h.Lookup == "":
		k.fromCopy(h)
		h.Err = why
		h.Kept = h.List != nil
	}
	return h
}

func (k *Keeper) files(s *Spec) (data, about string) {
	base := filepath.Join(k.Dir, s.Name)
	return base + ".list", base + ".json"
}

// fromCopy reads the copy, if there is one of the same source.
func (k *Keeper) fromCopy(h *Held) {
	if k.Dir == "" {
		return
	}
	file, about := k.files(&h.Spec)
	var n note
	text, err := os.ReadFile(about)
	if err != nil || json.Unmarshal(text, &n) != nil || n.Source != h.source() {
		return
	}
	if n.Problem != "" {
		h.Err = errors.New(n.Problem)
	}
	h.note, h.tried = n, n.Tried
	data, err := k.read(file)
	if err != nil {
		return
	}
	l, err := Parse(data, k.options(&h.Spec))
	if err != nil {
		h.Err = fmt.Errorf("the copy of %s cannot be used: %w", n.Of.UTC().Format(time.DateOnly), err)
		return
	}
	h.List, h.Of, h.Checked, h.Kept = l, n.Of, n.Checked, n.Problem != ""
}

// keep writes a copy.
func (k *Keeper) keep(h *Held, data []byte) error {
	h.note.Of, h.note.Checked = h.Of, h.Checked
	if k.Dir == "" || !k.Write {
		return nil
	}
	file, _ := k.files(&h.Spec)
	err := os.MkdirAll(k.Dir, 0o700)
	if err == nil {
		err = leftover.ReplaceWith(filepath.Dir(file), filepath.Base(file), data)
	}
	if err == nil {
		err = k.keepNote(h)
	}
	if err != nil {
		return fmt.Errorf("cannot keep a copy: %w", err)
	}
	return nil
}

func (k *Keeper) keepNote(h *Held) error {
	if k.Dir == "" || !k.Write {
		return nil
	}
	h.note.Source, h.note.Tried, h.note.Problem = h.source(), h.tried, ""
	if h.Err != nil {
		h.note.Problem = h.Err.Error()
	}
	_, about := k.files(&h.Spec)
	text, err := json.Marshal(h.note)
	if err == nil {
		err = os.MkdirAll(k.Dir, 0o700)
	}
	if err == nil {
		err = leftover.ReplaceWith(filepath.Dir(about), filepath.Base(about), text)
	}
	return err
}

func (k *Keeper) read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return k.bounded(f)
}

// bounded reads everything, unpacking gzip.
func (k *Keeper) bounded(r io.Reader) ([]byte, error) {
	limit := cmp.Or(k.limit, MaxBytes)
	in := bufio.NewReader(r)
	if head, _ := in.Peek(2); string(head) == "\x1f\x8b" {
		zr, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		in = bufio.NewReader(zr)
	}
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("it is larger than %s", humanize.IBytes(uint64(limit)))
	}
	return data, err
}
