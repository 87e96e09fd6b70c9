package bucket

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	s3bucket "bluetrail/internal/aws/bucket"
	"bluetrail/internal/aws/trailkey"
	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/source/file"

	"github.com/dustin/go-humanize"
)

// Bounds of listing.
const (
	// listers is how many requests list in parallel.
	listers = 16
	// maxFolders is how many folders of an address are looked into one by one to find
	// trails; what lies below further ones is listed key by key.
	maxFolders = 20_000
	// maxObjects bounds what a search may read: each object takes about 300 bytes.
	maxObjects = 5_000_000
	// maxDays is up to how many days of a trail are listed side by side; longer ranges
	// are listed by month.
	maxDays = 62
)

// trail is what an account delivers from one region into one folder.
type trail struct {
	trailkey.Trail
	root *root

	mu       sync.Mutex
	listed   bool
	from, to time.Time         // days, inclusive; zero = open
	objects  []s3bucket.Object // by key
}

// folder is a common prefix to look into.
type folder struct{ prefix, account string }

// List implements files.Remote.
func (p *Place) List(ctx context.Context, where filter.Expr, earliest, latest int64) (list []file.File, skipped []diag.Notice, err error) {
	w, err := p.want(where, earliest, latest)
	if err != nil {
		return nil, nil, err
	}
	g := &gather{p: p, ctx: ctx, want: w, slots: make(chan struct{}, listers)}
	seen := map[string]bool{}
	for _, r := range p.roots {
		objects, err := g.root(r)
		if err != nil {
			return nil, nil, err
		}
		for _, o := range objects {
			path := r.bucket.URL(o.Key)
			if seen[path] {
				continue
			}
			seen[path] = true
			if p.o.DryRun {
				continue
			}
			list = append(list, file.File{Path: path, Size: o.Size, Mod: o.Changed, Tag: tag(&o), Delivered: trailkey.Delivered(base(o.Key))})
		}
	}
	if w.trimmed.Load() {
		p.mu.Lock()
		p.trimmed = true
		p.mu.Unlock()
	}
	slices.SortFunc(list, func(a, b file.File) int { return file.Order(&a, &b) })
	return list, g.skipped, nil
}

// tag returns the tag of an object's content.
func tag(o *s3bucket.Object) string { return cmp.Or(o.ETag, anyTag) }

func base(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }

// gather is one List.
type gather struct {
	p     *Place
	ctx   context.Context
	want  *want
	slots chan struct{} // one for each request under way

	mu      sync.Mutex
	skipped []diag.Notice
}

// skip notes what could not be listed.
func (g *gather) skip(r *root, prefix string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.skipped = append(g.skipped, diag.Unreadable(r.bucket.URL(prefix), err.Error()))
}

// root returns what an address has for the search.
func (g *gather) root(r *root) ([]s3bucket.Object, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := g.explore(r); err != nil {
		return nil, err
	}
	if len(r.trails)+len(r.loose)+len(r.pending) == 0 {
		if err := g.ctx.Err(); err != nil {
			return nil, context.Cause(g.ctx)
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if len(g.skipped) > 0 {
			return nil, errors.New(g.skipped[0].String())
		}
		return nil, fmt.Errorf("there are no objects under %q%s", r.address, hint(r.prefix))
	}
	lists := make([][]s3bucket.Object, len(r.trails)+1)
	for _, o := range r.loose {
		if g.want.object(o.Key) {
			lists[0] = append(lists[0], o)
		}
	}
	var wg sync.WaitGroup
	for i, t := range r.trails {
		from, to, ok := g.want.trail(&t.Trail)
		if !ok {
			continue
		}
		wg.Go(func() {
			for _, o := range g.trail(t, from, to) {
				if g.want.object(o.Key) {
					lists[i+1] = append(lists[i+1], o)
				}
			}
		})
	}
	wg.Wait()
	if g.ctx.Err() != nil {
		return nil, context.Cause(g.ctx)
	}
	all := slices.Concat(lists...)
	if len(all) > maxObjects {
		return nil, fmt.Errorf("%s has %s objects for this search, more than %s; narrow the time range or the prefix", r.address, humanize.Comma(int64(len(all))), humanize.Comma(maxObjects))
	}
	g.price(r, all)
	return all, nil
}

// hint explains an address that names nothing.
func hint(prefix string) string {
	if strings.ContainsAny(prefix, "*?[{") {
		return "; S3 knows no globs: end the address before the first one"
	}
	return ""
}

// price counts what reading objects takes.
func (g *gather) price(r *root, all []s3bucket.Object) {
	r.count(func(c *Cost) {
		for _, o := range all {
			c.Objects++
			c.Bytes += o.Size
			if g.p.o.DryRun && !g.p.o.Cache.Has(g.p.id(r.bucket.Name(), o.Key, tag(&o)), o.Size) {
				c.Gets += requests(o.Size)
			} else if g.p.o.DryRun {
				c.Cached++
			}
		}
	})
}

// explore finds the trails below an address, as far as the search needs them.
func (g *gather) explore(r *root) error {
	if !r.begun {
		if err := g.begin(r); err != nil {
			return err
		}
	}
	todo := r.pending
	r.pending = nil
	for len(todo) > 0 {
		var mu sync.Mutex // of next, and of r's lists
		var next []folder
		var wg sync.WaitGroup
		for _, f := range todo {
			if f.account != "" && !g.want.account(f.account) {
				mu.Lock()
				r.pending = append(r.pending, f)
				mu.Unlock()
				continue
			}
			r.seen++
			flat := r.seen > maxFolders
			wg.Go(func() {
				below, loose, err := g.look(r, f.prefix, flat)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					g.skip(r, f.prefix, err)
				}
				r.loose = append(r.loose, loose...)
				for _, prefix := range below {
					if n, ok := g.place(r, prefix, f.account); ok {
						next = append(next, n)
					}
				}
			})
		}
		wg.Wait()
		if g.ctx.Err() != nil {
			r.begun, r.trails, r.loose, r.pending = false, nil, nil, nil
			return context.Cause(g.ctx)
		}
		todo = next
	}
	return nil
}

// begin looks at the address itself: it may be an object, a folder, or both.
func (g *gather) begin(r *root) error {
	r.begun, r.seen = true, 0
	dir := r.prefix
	if dir != "" && !strings.HasSuffix(dir, "/") {
		dir += "/"
		first, err := g.next(r, &s3bucket.Listing{Prefix: r.prefix, Most: 1})
		if err != nil {
			r.begun = false
			return err
		}
		if len(first) > 0 && first[0].Key == r.prefix {
			r.loose = append(r.loose, first[0])
		}
	}
	if t, ok := trailkey.ParseTrail(dir); ok {
		r.trails = append(r.trails, &trail{Trail: t, root: r})
		return nil
	}
	below, loose, err := g.look(r, dir, false)
	if err != nil {
		r.begun, r.loose = false, nil
		return err
	}
	r.loose = append(r.loose, loose...)
	for _, prefix := range below {
		if f, ok := g.place(r, prefix, ""); ok {
			r.pending = append(r.pending, f)
		}
	}
	return nil
}

// place keeps a trail, or returns the folder that is to be looked into.
func (g *gather) place(r *root, prefix, account string) (f folder, ok bool) {
	if t, ok := trailkey.ParseTrail(prefix); ok {
		if t.Folder != trailkey.Digest {
			r.trails = append(r.trails, &trail{Trail: t, root: r})
		}
		return f, false
	}
	parts := strings.Split(strings.TrimSuffix(prefix, "/"), "/")
	at := slices.Index(parts, "AWSLogs")
	if at < 0 {
		return folder{prefix, account}, true
	}
	below := parts[at+1:]
	if len(below) > 0 && trailkey.IsOrg(below[0]) {
		below = below[1:]
	}
	switch {
	case len(below) > 0 && !trailkey.IsAccount(below[0]):
	case len(below) == 1:
		account = below[0]
	case len(below) == 2 && below[1] == trailkey.Digest:
		return f, false
	case len(below) == 2 && !trailkey.IsFolder(below[1]):
		g.p.mu.Lock()
		g.p.others[below[1]] = true
		g.p.mu.Unlock()
		return f, false
	}
	return folder{prefix, account}, true
}

// otherFolders says which folders of other logs were left out.
func otherFolders(names []string) diag.Notice {
	slices.Sort(names)
	const most = 3
	text := strings.Join(names[:min(most, len(names))], ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return diag.Notice{Level: diag.Note, Object: "s3", Text: fmt.Sprintf("left out the folders %s of AWSLogs, which are not CloudTrail's; name one as an address to read it", text)}
}

// look lists a folder: the folders in it, or with flat all below it, and its objects.
func (g *gather) look(r *root, prefix string, flat bool) (below []string, objects []s3bucket.Object, err error) {
	l := &s3bucket.Listing{Prefix: prefix, Slash: !flat}
	for !l.Ended {
		page, err := g.next(r, l)
		if err != nil {
			return below, objects, err
		}
		below, objects = append(below, l.Folders...), append(objects, keep(page)...)
	}
	return below, objects, nil
}

// keep drops objects that hold no events: marks of folders, and signatures and digests.
func keep(list []s3bucket.Object) []s3bucket.Object {
	return slices.DeleteFunc(list, func(o s3bucket.Object) bool {
		if strings.HasSuffix(o.Key, "/") || o.Size <= 0 || file.Signature(o.Key) {
			return true
		}
		k, ok := trailkey.Parse(o.Key)
		return ok && k.Digest()
	})
}

// trail returns the objects of a trail on days from from to to; zero = open.
func (g *gather) trail(t *trail, from, to time.Time) []s3bucket.Object {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.listed || !t.from.IsZero() && (from.IsZero() || from.Before(t.from)) || !t.to.IsZero() && (to.IsZero() || to.After(t.to)) {
		if t.listed { // the days between are listed, too
			from, to = widest(from, t.from, false), widest(to, t.to, true)
		}
		objects, err := g.days(t, from, to)
		if err != nil {
			if g.ctx.Err() == nil {
				g.skip(t.root, t.Root(), err)
			}
			return objects
		}
		t.listed, t.from, t.to, t.objects = true, from, to, objects
	}
	return t.objects
}

// widest returns the later of two days, or the earlier; zero = open.
func widest(a, b time.Time, later bool) time.Time {
	switch {
	case a.IsZero() || b.IsZero():
		return time.Time{}
	case a.After(b) == later:
		return a
	}
	return b
}

// days lists days of a trail: with one request where that gives all, else several days
// or months side by side.
func (g *gather) days(t *trail, from, to time.Time) ([]s3bucket.Object, error) {
	l := &s3bucket.Listing{Prefix: t.Root()}
	if !from.IsZero() {
		l.After = t.DayOf(from)
	}
	if !to.IsZero() {
		l.Until = t.DayOf(to.AddDate(0, 0, 1))
	}
	page, err := g.next(t.root, l)
	objects := keep(page)
	if err != nil || l.Ended {
		return objects, err
	}
	// More follows: the rest of the last key's day, then the days after it.
	k, ok := trailkey.Parse(l.After)
	if !ok { // a key that CloudTrail did not make: go on key by key
		more, err := g.rest(t, l)
		return append(objects, more...), err
	}
	stop := g.p.o.Now.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	if !to.IsZero() && to.Before(stop) {
		stop = to
	}
	units := units(&t.Trail, k.Day, stop)
	lists := make([][]s3bucket.Object, len(units)+1)
	errs := make([]error, len(units)+1)
	var wg sync.WaitGroup
	for i, prefix := range units {
		unit := &s3bucket.Listing{Prefix: prefix, Until: l.Until}
		if i == 0 {
			unit.After = l.After
		}
		wg.Go(func() { lists[i], errs[i] = g.rest(t, unit) })
	}
	if l.Until == "" || stop.Before(to) { // keys after the present, and those outside of days
		rest := &s3bucket.Listing{Prefix: l.Prefix, After: t.DayOf(stop.AddDate(0, 0, 1)), Until: l.Until}
		wg.Go(func() { lists[len(units)], errs[len(units)] = g.rest(t, rest) })
	}
	wg.Wait()
	return append(objects, slices.Concat(lists...)...), errors.Join(errs...)
}

// units returns the prefixes of the days from from to to, or of the months when there
// are many.
func units(t *trailkey.Trail, from, to time.Time) (list []string) {
	if to.Sub(from) <= maxDays*24*time.Hour {
		for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
			list = append(list, t.DayOf(day))
		}
		return list
	}
	for month := from.AddDate(0, 0, 1-from.Day()); !month.After(to); month = month.AddDate(0, 1, 0) {
		list = append(list, t.Root()+month.Format("2006/01/"))
	}
	return list
}

// rest lists the objects of a trail up to the end of a listing.
func (g *gather) rest(t *trail, l *s3bucket.Listing) (objects []s3bucket.Object, err error) {
	for !l.Ended {
		page, err := g.next(t.root, l)
		if err != nil {
			return objects, err
		}
		objects = append(objects, keep(page)...)
	}
	return objects, nil
}

// next returns the next page of a listing.
func (g *gather) next(r *root, l *s3bucket.Listing) ([]s3bucket.Object, error) {
	select {
	case g.slots <- struct{}{}:
		defer func() { <-g.slots }()
	case <-g.ctx.Done():
		return nil, context.Cause(g.ctx)
	}
	page, err := r.bucket.Next(g.ctx, l)
	if err != nil && g.ctx.Err() != nil {
		return nil, context.Cause(g.ctx)
	}
	if l.Most == 0 { // not a look at one key
		r.count(func(c *Cost) { c.Listed += int64(len(page)) })
	}
	return page, err
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return humanize.Comma(n) + " " + what + "s"
}
