// Package bucket reads CloudTrail where S3 keeps it: it lists the keys of the accounts,
// regions and days that a search needs, and fetches objects ahead of those who read them.
// Nothing is stored, unless there is a Cache.
package bucket

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"bluetrail/internal/aws"
	s3bucket "bluetrail/internal/aws/bucket"
	"bluetrail/internal/diag"
)

// anyTag stands for the ETag of an object that a server does not tell. As a condition of a
// request it is met by all content.
const anyTag = "*"

// Late is how long after its time an event is waited for when nothing else is said.
// CloudTrail delivers most events within five minutes but promises no time.
const Late = 6 * time.Hour

// Options say how buckets are read.
type Options struct {
	Addresses []string // s3://BUCKET[/PREFIX]; a prefix stands for an object or all below it
	Access    aws.Access
	Late      time.Duration // how long after the end of a time range its events may be delivered; negative = any time
	Cache     *Cache        // nil = none
	DryRun    bool          // List counts and returns nothing
	Now       time.Time     // of the search; zero = the present
}

// Place is a set of buckets, or parts of them. It is safe for concurrent use.
type Place struct {
	o     Options
	roots []*root

	mu      sync.Mutex
	trimmed bool            // objects that were delivered late were left out
	others  map[string]bool // folders of other services
}

// root is the objects under one address.
type root struct {
	address string
	bucket  *s3bucket.Bucket
	prefix  string

	mu      sync.Mutex // held while the root is explored
	pending []folder   // not looked into yet
	begun   bool
	trails  []*trail
	loose   []s3bucket.Object // outside of trails
	seen    int               // folders that were looked into

	costMu sync.Mutex
	cost   Cost
}

// Cost is what reading an address takes.
type Cost struct {
	Address string
	Listed  int64 // objects that were listed, in the days of the search
	Objects int64 // of them to be read
	Bytes   int64
	Cached  int64 // objects that are in the cache
	Lists   int64 // requests that list
	Gets    int64 // requests that fetch
}

// New returns the place that addresses name. It sends no request.
func New(ctx context.Context, o Options) (*Place, error) {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	p := &Place{o: o, others: map[string]bool{}}
	seen := map[string]bool{}
	var names []string
	for _, address := range o.Addresses {
		name, prefix, err := s3bucket.Parse(address)
		if err != nil {
			return nil, err
		}
		if seen[name+"/"+prefix] {
			continue
		}
		seen[name+"/"+prefix] = true
		names = append(names, name)
		p.roots = append(p.roots, &root{address: address, prefix: prefix})
	}
	client, err := aws.New(ctx, o.Access)
	if err != nil {
		return nil, err
	}
	for i, r := range p.roots {
		r.bucket = s3bucket.New(client, names[i])
		r.bucket.Sent = r.sent
	}
	return p, nil
}

// sent counts a request.
func (r *root) sent(op s3bucket.Operation) {
	r.count(func(c *Cost) {
		if op == s3bucket.ListObjects {
			c.Lists++
		} else {
			c.Gets++
		}
	})
}

// split splits the address of an object.
func split(path string) (bucket, key string) {
	bucket, key, _ = strings.Cut(strings.TrimPrefix(path, s3bucket.Scheme), "/")
	return bucket, key
}

// rootOf returns the root to which an object belongs.
func (p *Place) rootOf(path string) *root {
	bucket, key := split(path)
	for _, r := range p.roots {
		if r.bucket.Name() == bucket && strings.HasPrefix(key, r.prefix) {
			return r
		}
	}
	return p.roots[0]
}

func (r *root) count(add func(*Cost)) {
	r.costMu.Lock()
	defer r.costMu.Unlock()
	add(&r.cost)
}

// Costs tells what was listed and read so far, for each address; in a dry run, what
// would be read.
func (p *Place) Costs() (list []Cost) {
	for _, r := range p.roots {
		r.costMu.Lock()
		c := r.cost
		r.costMu.Unlock()
		c.Address = r.address
		list = append(list, c)
	}
	return list
}

// Notes implements files.Remote.
func (p *Place) Notes() (list []diag.Notice) {
	p.mu.Lock()
	trimmed, others := p.trimmed, make([]string, 0, len(p.others))
	for name := range p.others {
		others = append(others, name)
	}
	p.mu.Unlock()
	if trimmed {
		list = append(list, diag.Notice{Level: diag.Note, Object: "s3", Text: fmt.Sprintf(
			"objects delivered more than %s after the end of the time range were not read; an event that CloudTrail delivered later than that is missing: --late 720h looks for it", short(p.o.Late))})
	}
	if len(others) > 0 {
		list = append(list, otherFolders(others))
	}
	if p.o.DryRun {
		return list
	}
	var sum Cost
	for _, c := range p.Costs() {
		sum.Listed, sum.Objects, sum.Bytes, sum.Cached = sum.Listed+c.Listed, sum.Objects+c.Objects, sum.Bytes+c.Bytes, sum.Cached+c.Cached
		sum.Lists, sum.Gets = sum.Lists+c.Lists, sum.Gets+c.Gets
	}
	if sum.Lists > 0 {
		text := fmt.Sprintf("%s listed, %s read; %s to list, %s to fetch", plural(sum.Listed, "object"), plural(sum.Objects, "object"), plural(sum.Lists, "request"), plural(sum.Gets, "request"))
		if sum.Cached > 0 {
			text += fmt.Sprintf("; %s from the cache", plural(sum.Cached, "object"))
		}
		list = append(list, diag.Notice{Level: diag.Note, Object: "s3", Text: text})
	}
	return list
}

// short prints a duration without the parts that are zero.
func short(d time.Duration) string {
	text := d.String()
	if t, ok := strings.CutSuffix(text, "m0s"); ok {
		text = t + "m"
	}
	if t, ok := strings.CutSuffix(text, "h0m"); ok {
		text = t + "h"
	}
	return text
}
