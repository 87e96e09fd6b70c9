package bucket

import (
	"context"
	"slices"
	"strings"
	"sync"

	"bluetrail/internal/aws/trailkey"
)

// Scope says which trails of a bucket are meant. Empty lists mean all.
type Scope struct {
	Accounts []string
	Regions  []string
	Folders  []string // as trailkey.Log; empty = all that hold events
}

func (s *Scope) account(a string) bool { return len(s.Accounts) == 0 || slices.Contains(s.Accounts, a) }
func (s *Scope) region(r string) bool  { return len(s.Regions) == 0 || slices.Contains(s.Regions, r) }
func (s *Scope) folder(f string) bool {
	if len(s.Folders) == 0 {
		return f != trailkey.Digest
	}
	return slices.Contains(s.Folders, f)
}

// Takes reports whether a trail is meant.
func (s *Scope) Takes(t *trailkey.Trail) bool {
	return s.folder(t.Folder) && s.region(t.Region) && s.account(t.Account)
}

// Found is what lies below a prefix.
type Found struct {
	Trails []trailkey.Trail
	// Flat are prefixes that do not have CloudTrail's layout: their keys follow no order
	// of time.
	Flat []string
}

// atOnce is how many folders are listed at once.
const atOnce = 16

// outside is how many folders deep an AWSLogs folder is looked for.
const outside = 4

// Trails finds the trails below a prefix by listing folders, not keys. The prefix may be
// anywhere in CloudTrail's layout; one below the region's folder is that of Flat.
func (b *Bucket) Trails(ctx context.Context, prefix string, scope Scope) (Found, error) {
	if !strings.HasSuffix(prefix, "/") && prefix != "" {
		// The beginning of a name, an object, or a folder without its slash.
		folders, _, err := b.Folders(ctx, prefix)
		if err != nil || !slices.Equal(folders, []string{prefix + "/"}) {
			return Found{Flat: []string{prefix}}, err
		}
		prefix += "/"
	}
	f := &finder{bucket: b, scope: scope, slots: make(chan struct{}, atOnce)}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f.cancel = cancel
	f.work.Go(func() { f.look(ctx, prefix, outside) })
	f.work.Wait()
	slices.SortFunc(f.found.Trails, func(x, y trailkey.Trail) int { return strings.Compare(x.Root(), y.Root()) })
	slices.Sort(f.found.Flat)
	return f.found, f.err
}

type finder struct {
	bucket *Bucket
	scope  Scope
	slots  chan struct{}
	work   sync.WaitGroup
	cancel context.CancelFunc

	mu    sync.Mutex
	found Found
	err   error
}

// look finds the trails below a prefix that is empty or ends with a slash.
func (f *finder) look(ctx context.Context, prefix string, deep int) {
	if t, ok := trailkey.ParseTrail(prefix); ok {
		if f.scope.Takes(&t) {
			f.mu.Lock()
			f.found.Trails = append(f.found.Trails, t)
			f.mu.Unlock()
		}
		return
	}
	inside := within(prefix)
	if inside == elsewhere && strings.Contains("/"+prefix, "/AWSLogs/") {
		f.flat(prefix) // below a region's folder, or another service's
		return
	}
	select {
	case f.slots <- struct{}{}:
	case <-ctx.Done():
		return
	}
	folders, objects, err := f.bucket.Folders(ctx, prefix)
	<-f.slots
	if err != nil {
		f.mu.Lock()
		if f.err == nil {
			f.err = err
		}
		f.mu.Unlock()
		f.cancel()
		return
	}
	if inside != elsewhere {
		for _, folder := range folders {
			name := last(folder)
			if inside.takes(name, &f.scope) {
				f.work.Go(func() { f.look(ctx, folder, deep) })
			}
		}
		return
	}
	if len(objects) > 0 || deep == 0 {
		f.flat(prefix)
		return
	}
	for _, folder := range folders {
		f.work.Go(func() { f.look(ctx, folder, deep-1) })
	}
}

func (f *finder) flat(prefix string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.found.Flat = append(f.found.Flat, prefix)
}

// level is what the folders in a folder are.
type level uint8

const (
	elsewhere level = iota
	accounts        // or organizations
	orgAccounts
	kinds
	regions
)

func (l level) takes(name string, s *Scope) bool {
	switch l {
	case accounts:
		return trailkey.IsOrg(name) || trailkey.IsAccount(name) && s.account(name)
	case orgAccounts:
		return trailkey.IsAccount(name) && s.account(name)
	case kinds:
		return trailkey.IsFolder(name) && s.folder(name)
	}
	return trailkey.IsRegion(name) && s.region(name)
}

// within returns what lies in a folder of CloudTrail's layout.
func within(prefix string) level {
	parts := strings.Split(strings.TrimSuffix(prefix, "/"), "/")
	at := len(parts) - 1
	for ; at >= 0 && parts[at] != "AWSLogs"; at-- {
	}
	if at < 0 {
		return elsewhere
	}
	rest, next := parts[at+1:], accounts
	if len(rest) > 0 && trailkey.IsOrg(rest[0]) {
		rest, next = rest[1:], orgAccounts
	}
	switch {
	case len(rest) == 0:
		return next
	case len(rest) == 1 && trailkey.IsAccount(rest[0]):
		return kinds
	case len(rest) == 2 && trailkey.IsAccount(rest[0]) && trailkey.IsFolder(rest[1]):
		return regions
	}
	return elsewhere
}

func last(folder string) string {
	folder = strings.TrimSuffix(folder, "/")
	return folder[strings.LastIndexByte(folder, '/')+1:]
}
