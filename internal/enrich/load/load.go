// Package load opens what a configuration says of addresses and accounts, and keeps it
// current.
package load

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/enrich"
	"bluetrail/internal/enrich/list"
	"bluetrail/internal/yamldoc"

	"github.com/goccy/go-yaml"
)

// Config says what to load.
type Config struct {
	config.Config
	Geo   func() (*enrich.Geo, error)                // opens the databases of Config.GeoIP
	Path  func(path string) string                   // how paths of the configuration are meant
	Table func(lookup string) (path string, e error) // the file of a lookup
	Dir   string                                     // of the copies of lists; "" = none
	Own   string                                     // a further file of an allow-list, which need not be there; "" = none
	Write bool                                       // copies may be written
	Log   *slog.Logger                               // nil = nothing is said
}

// Loader holds what is loaded. It is safe for concurrent use.
type Loader struct {
	c      Config
	keeper list.Keeper

	mu       sync.Mutex
	facts    *enrich.Facts
	lists    list.Set
	failures map[string]uint64 // fetches that failed, by list
	inline   enrich.AllowList
	assets   file[map[string]enrich.Account]
	allowed  file[enrich.AllowList]
	opened   []stamp // of the databases
}

// file is what was read from files that are read again when they change.
type file[T any] struct {
	stamps []stamp
	value  T
	errs   []error // of the files, by their order; nil = fine
}

type stamp struct {
	size int64
	time time.Time
}

func (c *Config) stamps(paths []string) (out []stamp) {
	for _, path := range paths {
		s := stamp{size: -1}
		if info, err := os.Stat(c.Path(path)); err == nil {
			s = stamp{info.Size(), info.ModTime()}
		}
		out = append(out, s)
	}
	return out
}

// New loads everything for the first time. Lists, accounts and files of allow-lists that
// cannot be used are in Status; the error is for databases and for entries of the
// configuration itself.
func New(c Config) (*Loader, error) {
	l := &Loader{c: c, keeper: list.Keeper{Dir: c.Dir, Write: c.Write, Table: c.Table, Now: time.Now}, failures: map[string]uint64{}}
	for i, a := range c.Allow {
		entry, err := newAllow(a)
		if err != nil {
			return nil, fmt.Errorf("configuration: allow: entry %d: %w", i+1, err)
		}
		l.inline = append(l.inline, entry)
	}
	l.facts = &enrich.Facts{}
	_, err := l.update()
	return l, err
}

func newAllow(a config.Allow) (*enrich.Allow, error) {
	return enrich.NewAllow(a.Addresses, a.Actors, a.Rules, a.Reason, a.Owner, a.Expires)
}

// Facts returns what is known now.
func (l *Loader) Facts() *enrich.Facts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.facts
}

// update reads what changed.
func (l *Loader) update() (changed bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := &enrich.Facts{Geo: l.facts.Geo, Networks: l.facts.Networks}
	if now := l.c.stamps(slices.Concat(l.c.GeoIP, l.c.Network)); l.opened == nil || !slices.Equal(now, l.opened) {
		if len(l.c.GeoIP) > 0 {
			if f.Geo, err = l.c.Geo(); err != nil {
				return false, err
			}
		}
		if len(l.c.Network) > 0 {
			// Searches may be using the ones from before: they stay open.
			paths := slices.Clone(l.c.Network)
			for i, path := range paths {
				if path != enrich.Shipped {
					paths[i] = l.c.Path(path)
				}
			}
			if f.Networks, err = enrich.OpenNetworks(paths); err != nil {
				return false, err
			}
		}
		l.opened, changed = append([]stamp{}, now...), true
	}
	var held list.Set
	for i := range l.c.Lists {
		var before *list.Held
		if i < len(l.lists) {
			before = l.lists[i]
		}
		h := l.keeper.Load(l.spec(&l.c.Lists[i]), before)
		changed = changed || h != before
		held = append(held, h)
	}
	l.lists = held
	changed = readAgain(l, &l.assets, l.c.Assets, readAssets) || changed
	changed = readAgain(l, &l.allowed, l.allowFiles(), func(paths []string) (enrich.AllowList, []error, bool) { return readAllow(paths, l.c.Own != "") }) || changed
	if len(l.lists) > 0 {
		f.Lists = l.lists
	}
	f.Accounts = l.assets.value
	f.Allow = slices.Concat(l.inline, l.allowed.value)
	if changed {
		l.facts = f
	}
	return changed, nil
}

func (l *Loader) spec(c *config.List) list.Spec {
	s := list.Spec{
		Name: c.Name, Lookup: c.Lookup, URL: c.URL, Every: c.Every, Kind: enrich.Kind(c.Kind), Reason: c.Reason,
		Options: list.Options{Format: list.Format(c.Format), Column: c.Column, Reason: c.ReasonColumn},
	}
	if c.File != "" {
		s.File = l.c.Path(c.File)
	}
	if c.AuthFile != "" {
		s.AuthFile = l.c.Path(c.AuthFile)
	}
	return s
}

// allowFiles returns the files of allow-lists.
func (l *Loader) allowFiles() []string {
	if l.c.Own == "" {
		return l.c.AllowFiles
	}
	return append(slices.Clone(l.c.AllowFiles), l.c.Own)
}

// Reload reads what changed, and has it used.
func (l *Loader) Reload() error {
	_, err := l.update()
	enrich.Use(l.Facts())
	return err
}

// readAgain reads files if one of them changed. What cannot be read any more stays as it
// was, if all of it was read before.
func readAgain[T any](l *Loader, f *file[T], paths []string, read func(paths []string) (T, []error, bool)) bool {
	if len(paths) == 0 {
		return false
	}
	now := l.c.stamps(paths)
	if f.stamps != nil && slices.Equal(now, f.stamps) {
		return false
	}
	var full []string
	for _, path := range paths {
		full = append(full, l.c.Path(path))
	}
	value, errs, usable := read(full)
	first := f.stamps == nil
	f.stamps, f.errs = now, errs
	if usable || first {
		f.value = value
	}
	return true
}

func readAssets(paths []string) (map[string]enrich.Account, []error, bool) {
	all := map[string]enrich.Account{}
	errs, usable := make([]error, len(paths)), true
	for i, path := range paths {
		accounts, err := func() (map[string]enrich.Account, error) {
			in, err := os.Open(path)
			if err != nil {
				return nil, err
			}
			defer in.Close()
			accounts, faults, err := enrich.ReadAccounts(in)
			if err != nil {
				return nil, err
			}
			return accounts, faults.Err()
		}()
		errs[i] = err
		usable = usable && accounts != nil
		for id, a := range accounts {
			if _, ok := all[id]; !ok {
				all[id] = a
			}
		}
	}
	return all, errs, usable
}

// maxAllowFile bounds a file of entries, in bytes.
const maxAllowFile = 4 << 20

// readAllow reads files of entries. The last of them is one that need not be there if own
// says so.
func readAllow(paths []string, own bool) (enrich.AllowList, []error, bool) {
	var all enrich.AllowList
	errs, usable := make([]error, len(paths)), true
	for i, path := range paths {
		entries, err := allowFile(path)
		if errors.Is(err, fs.ErrNotExist) && i == len(paths)-1 && own {
			continue
		}
		if err != nil {
			errs[i], usable = err, false
			continue
		}
		var faults enrich.Faults
		for j, e := range entries {
			a, err := newAllow(e)
			if err != nil {
				faults.Add(j+1, "entry %d: %v", j+1, err)
				continue
			}
			all = append(all, a)
		}
		if faults.Lines > 0 {
			errs[i] = fmt.Errorf("%d of %d entries cannot be used, the first is %s", faults.Lines, len(entries), faults.Why)
		}
	}
	return all, errs, usable
}

func allowFile(path string) (entries []config.Allow, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxAllowFile {
		return nil, fmt.Errorf("it is larger than %d MiB", maxAllowFile>>20)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := yamldoc.Check(data); err != nil {
		return nil, err
	}
	if err := yaml.UnmarshalWithOptions(data, &entries, yaml.Strict()); err != nil {
		return nil, yamldoc.Describe(err, data)
	}
	return entries, nil
}

// Refresh fetches the lists that are due, or all of them, and returns how many it asked
// for.
func (l *Loader) Refresh(ctx context.Context, all bool) (asked int) {
	l.mu.Lock()
	held := slices.Clone(l.lists)
	l.mu.Unlock()
	for i, h := range held {
		if h.URL == "" || !all && !h.Due(time.Now()) || ctx.Err() != nil {
			continue
		}
		asked++
		got := l.keeper.Fetch(ctx, h)
		l.mu.Lock()
		l.lists = slices.Clone(l.lists) // lookups may be using the set
		l.lists[i] = got
		if got.Err != nil {
			l.failures[h.Name]++
		}
		l.facts = cloneOf(l.facts)
		l.facts.Lists = l.lists
		l.mu.Unlock()
		l.say(h, got)
	}
	return asked
}

// cloneOf returns the same facts with nothing remembered.
func cloneOf(f *enrich.Facts) *enrich.Facts {
	return &enrich.Facts{Geo: f.Geo, Networks: f.Networks, Lists: f.Lists, Accounts: f.Accounts, Allow: f.Allow}
}

// say logs what happened to a list.
func (l *Loader) say(before, h *list.Held) {
	if l.c.Log == nil || before == h {
		return
	}
	switch {
	case h.Err != nil && h.Kept:
		l.c.Log.Warn("a list cannot be renewed; the last good copy is kept", "list", h.Name, "err", h.Err, "of", h.Of.UTC().Format(time.RFC3339))
	case h.Err != nil:
		l.c.Log.Warn("a list cannot be used", "list", h.Name, "err", h.Err)
	case before == nil || !before.Of.Equal(h.Of):
		l.c.Log.Info("list", "list", h.Name, "entries", h.List.Entries, "unusable", h.List.Faults.Lines)
	}
}

// pollTime is how often files are looked at.
const pollTime = 10 * time.Second

// Run keeps everything current until ctx ends: files are read again when they change, and
// lists are fetched when they are due.
func (l *Loader) Run(ctx context.Context) error {
	said := l.Status().Lists
	for {
		l.Refresh(ctx, false)
		enrich.Use(l.Facts())
		select {
		case <-time.After(pollTime):
		case <-ctx.Done():
			return nil
		}
		if _, err := l.update(); err != nil && l.c.Log != nil {
			l.c.Log.Warn("a database cannot be used; the one from before stays in use", "err", err)
		}
		now := l.Status().Lists
		for i, h := range now {
			if h.URL == "" {
				l.say(said[i], h)
			}
		}
		said = now
	}
}
