// Package bucket reads CloudTrail where S3 keeps it: it lists the keys of the accounts,
// regions and days that a search needs, and fetches objects ahead of those who read them.
// Nothing is stored, unless there is a Cache.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"bluetrail/internal/aws"
	s3bucket "bluetrail/internal/aws/bucket"
	"bluetrail/internal/diag"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
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

// Place is some buckets, or parts of them. It is safe for concurrent use.
type Place struct {
	o      Options
	client *aws.Client
	roots  []*root

	mu      sync.Mutex
	regions map[string]string // by bucket, where it is not the client's
	trimmed bool              // objects that were delivered late were left out
	others  map[string]bool   // folders of other services
}

// root is what one address names.
type root struct {
	address        string
	bucket, prefix string

	mu      sync.Mutex // held while the root is explored
	pending []folder   // not looked into yet
	begun   bool
	trails  []*trail
	loose   []object // outside of trails
	seen    int      // folders that were looked into

	cost Cost // under costMu
	mut  sync.Mutex
}

// Cost is what reading an address takes.
type Cost struct {
	Address string
	Listed  int64 // objects that were listed
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
	p := &Place{o: o, regions: map[string]string{}, others: map[string]bool{}}
	seen := map[string]bool{}
	for _, address := range o.Addresses {
		bucket, prefix, err := s3bucket.Parse(address)
		if err != nil {
			return nil, err
		}
		if seen[bucket+"/"+prefix] {
			continue
		}
		seen[bucket+"/"+prefix] = true
		p.roots = append(p.roots, &root{address: address, bucket: bucket, prefix: prefix})
	}
	var err error
	p.client, err = aws.New(ctx, o.Access)
	return p, err
}

// Is reports whether a path is an address of a bucket.
func Is(path string) bool { return strings.HasPrefix(path, s3bucket.Scheme) }

// pathOf returns the address of an object.
func pathOf(bucket, key string) string { return s3bucket.Scheme + bucket + "/" + key }

// split is the reverse of pathOf.
func split(path string) (bucket, key string) {
	bucket, key, _ = strings.Cut(strings.TrimPrefix(path, s3bucket.Scheme), "/")
	return bucket, key
}

// s3 returns the client for a bucket.
func (p *Place) s3(bucket string) *s3.Client {
	p.mu.Lock()
	region := p.regions[bucket]
	p.mu.Unlock()
	if region == "" {
		return p.client.S3()
	}
	return p.client.S3In(region)
}

// moved notes the region of a bucket when an error tells it, and reports whether that
// is news.
func (p *Place) moved(bucket string, err error) bool {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) || answer.Response == nil {
		return false
	}
	switch answer.HTTPStatusCode() {
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusBadRequest, http.StatusForbidden:
	default:
		return false
	}
	region := answer.Response.Header.Get("X-Amz-Bucket-Region")
	p.mu.Lock()
	defer p.mu.Unlock()
	if region == "" || p.regions[bucket] != "" || region == p.client.Region() {
		return false
	}
	p.regions[bucket] = region
	return true
}

// rootOf returns the root that counts the requests for an object.
func (p *Place) rootOf(path string) *root {
	bucket, key := split(path)
	for _, r := range p.roots {
		if r.bucket == bucket && strings.HasPrefix(key, r.prefix) {
			return r
		}
	}
	return p.roots[0]
}

func (r *root) count(add func(*Cost)) {
	r.mut.Lock()
	defer r.mut.Unlock()
	add(&r.cost)
}

// Costs tells what was listed and read so far, for each address; in a dry run, what
// would be read.
func (p *Place) Costs() (list []Cost) {
	for _, r := range p.roots {
		r.mut.Lock()
		c := r.cost
		r.mut.Unlock()
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

// unescaped decodes a key of a listing that was asked for with encoding-type url: XML
// cannot carry all characters that a key may have. Some servers do not encode.
func unescaped(key *string, by types.EncodingType) string {
	if key == nil {
		return ""
	}
	if text, err := url.QueryUnescape(*key); err == nil && by == types.EncodingTypeUrl {
		return text
	}
	return *key
}
