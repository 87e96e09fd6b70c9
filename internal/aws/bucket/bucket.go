// Package bucket lists and reads S3 buckets. It returns objects only as a whole, after
// checking their length, and their checksum or ETag where S3 has one.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"bluetrail/internal/aws"
	"bluetrail/internal/aws/trailkey"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Object is what a listing or a notification says about an object.
type Object struct {
	Key     string
	Version string    // "" = the current one
	Size    int64     // -1 = not known
	ETag    string    // with its quotes; "" = not known
	Changed time.Time // zero = not known
}

// Print is a cheap hash of the ETag, which changes with the content: see source.Batch.
func (o *Object) Print() uint64 {
	h := fnv.New64a()
	io.WriteString(h, o.ETag)
	return h.Sum64() >> 1 // as of files: the state keeps it as a signed number
}

// Operation is what a request asks of S3.
type Operation uint8

// Operations, by S3's names.
const (
	ListObjects Operation = iota
	GetObject
)

// Bucket is a bucket of S3. It is safe for concurrent use.
type Bucket struct {
	// Sent is called before each request, but not for the SDK's retries. It is set before
	// the bucket is used; nil = nothing is called.
	Sent func(Operation)

	name   string
	client *aws.Client

	mu     sync.Mutex
	region string // "" = the client's, until S3 names another one
	noMD5  bool   // its ETags look like MD5 sums but are not
}

// New returns a bucket. No request is sent.
func New(client *aws.Client, name string) *Bucket { return &Bucket{name: name, client: client} }

// Name returns the name of the bucket.
func (b *Bucket) Name() string { return b.name }

// URL returns s3://bucket/key.
func (b *Bucket) URL(key string) string { return Scheme + b.name + "/" + key }

// Scheme begins the URLs of objects and prefixes.
const Scheme = "s3://"

// Is reports whether a path is a URL of S3.
func Is(path string) bool { return strings.HasPrefix(path, Scheme) }

// Parse splits s3://bucket/prefix. The prefix may be empty.
func Parse(place string) (name, prefix string, err error) {
	rest, ok := strings.CutPrefix(place, Scheme)
	if !ok {
		return "", "", fmt.Errorf("%q is not a URL of S3: expected s3://BUCKET/PREFIX", place)
	}
	name, prefix, _ = strings.Cut(rest, "/")
	if len(name) < 3 || len(name) > 255 || strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`"'<>?#%\`, r)
	}) {
		return "", "", fmt.Errorf("%q names no bucket: expected s3://BUCKET/PREFIX", place)
	}
	return name, prefix, nil
}

// call sends a request. When S3 answers that the bucket is in another region, call sends
// it there, and later requests go there at once.
func (b *Bucket) call(ctx context.Context, op Operation, request func(*s3.Client) error) error {
	send := func(region string) error {
		if b.Sent != nil {
			b.Sent(op)
		}
		return request(b.client.S3In(region))
	}
	b.mu.Lock()
	region := b.region
	b.mu.Unlock()
	if region == "" {
		region = b.client.Region()
	}
	err := send(region)
	if other := regionOf(err); other != "" && other != region && ctx.Err() == nil {
		b.mu.Lock()
		b.region = other
		b.mu.Unlock()
		err = send(other)
	}
	return aws.Explain(err)
}

// regionOf returns the region that S3 names in a refusal, "" = none.
func regionOf(err error) string {
	var r *smithyhttp.ResponseError
	if !errors.As(err, &r) || r.Response == nil {
		return ""
	}
	switch r.HTTPStatusCode() {
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusBadRequest, http.StatusForbidden:
		if region := r.Response.Header.Get("X-Amz-Bucket-Region"); trailkey.IsRegion(region) {
			return region
		}
	}
	return ""
}

const (
	// tries is how often a request is sent that fails in the middle of its answer. The SDK
	// retries only until the header of an answer is there.
	tries     = 6
	firstWait = 200 * time.Millisecond // it doubles
)

// persist repeats a request while again says that it may succeed, up to tries times.
func persist(ctx context.Context, again func(error) bool, request func() error) error {
	wait := firstWait
	for n := 1; ; n++ {
		err := request()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case n == tries || !again(err):
			return err
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		}
		wait *= 2
	}
}

// broken reports whether the SDK could not read an answer, for example because it broke off.
func broken(err error) bool {
	var d *smithy.DeserializationError
	var op *net.OpError
	return errors.As(err, &d) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op) && op.Op == "read"
}

// Page bounds how many keys S3 returns at once.
const Page = 1000

// Listing lists the keys of a prefix in their order, a page at a time.
type Listing struct {
	Prefix string
	Slash  bool   // list only what lies directly below Prefix: see Folders
	After  string // leave out keys up to this one; it moves as keys are returned
	Until  string // leave out keys from this one on; "" = none
	Most   int32  // keys in a page; 0 = Page
	Ended  bool   // no more keys follow

	// Folders are the prefixes of the last page that end with the next slash, with Slash.
	Folders []string

	token *string // S3's for the next page
}

// Next returns the next page of a listing; Ended says whether it is the last one. It may
// be empty.
func (b *Bucket) Next(ctx context.Context, l *Listing) (page []Object, err error) {
	most := l.Most
	if most <= 0 || most > Page {
		most = Page
	}
	in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &l.Prefix, MaxKeys: &most, EncodingType: types.EncodingTypeUrl, ContinuationToken: l.token}
	if l.After != "" && l.token == nil {
		in.StartAfter = &l.After
	}
	if l.Slash {
		slash := "/"
		in.Delimiter = &slash
	}
	var out *s3.ListObjectsV2Output
	err = persist(ctx, broken, func() error {
		return b.call(ctx, ListObjects, func(c *s3.Client) (err error) { out, err = c.ListObjectsV2(ctx, in); return err })
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", b.URL(l.Prefix), err)
	}
	l.Folders = nil
	for i := range out.CommonPrefixes {
		if folder := decoded(out.CommonPrefixes[i].Prefix, out.EncodingType); strings.HasPrefix(folder, l.Prefix) && folder != l.Prefix {
			l.Folders = append(l.Folders, folder)
		}
	}
	for i := range out.Contents {
		o := object(&out.Contents[i], out.EncodingType)
		if l.Until != "" && o.Key >= l.Until {
			l.Ended = true
			return page, nil
		}
		if o.Key <= l.After || !strings.HasPrefix(o.Key, l.Prefix) { // the server does not know start-after, or prefix
			continue
		}
		page = append(page, o)
	}
	if n := len(page); n > 0 {
		l.After = page[n-1].Key
	} else if len(out.Contents) > 0 {
		return nil, fmt.Errorf("cannot list %s: the server repeats keys", b.URL(l.Prefix))
	}
	l.Ended = out.IsTruncated == nil || !*out.IsTruncated
	if !l.Ended && out.NextContinuationToken != nil && l.token != nil && *out.NextContinuationToken == *l.token {
		return nil, fmt.Errorf("cannot list %s: the server repeats a page", b.URL(l.Prefix))
	}
	l.token = out.NextContinuationToken
	if !l.Ended && l.token == nil && (len(page) == 0 || l.Slash) {
		return nil, fmt.Errorf("cannot list %s: the server does not say where the next page begins", b.URL(l.Prefix))
	}
	return page, nil
}

// decoded returns a key or prefix of a listing. S3 is asked to URL-encode them, because
// XML cannot carry the control characters that a key may hold. Some servers do not encode.
func decoded(s *string, by types.EncodingType) string {
	if s == nil {
		return ""
	}
	if by == types.EncodingTypeUrl {
		if plain, err := url.QueryUnescape(*s); err == nil {
			return plain
		}
	}
	return *s
}

func object(c *types.Object, by types.EncodingType) Object {
	o := Object{Size: -1, Key: decoded(c.Key, by)}
	if c.Size != nil {
		o.Size = *c.Size
	}
	if c.ETag != nil {
		o.ETag = *c.ETag
	}
	if c.LastModified != nil {
		o.Changed = *c.LastModified
	}
	return o
}

// mostFolders bounds the folders of one prefix.
const mostFolders = 100_000

// Folders returns what lies directly below a prefix, which is empty or ends with a slash:
// the prefixes that end with the next slash, and the first objects, at most a page.
func (b *Bucket) Folders(ctx context.Context, prefix string) (folders []string, objects []Object, err error) {
	l := &Listing{Prefix: prefix, Slash: true}
	for !l.Ended {
		page, err := b.Next(ctx, l)
		if err != nil {
			return nil, nil, err
		}
		folders = append(folders, l.Folders...)
		objects = append(objects, page[:min(len(page), Page-len(objects))]...)
		if len(folders) > mostFolders {
			return nil, nil, fmt.Errorf("cannot list %s: it has more than %d folders", b.URL(prefix), mostFolders)
		}
	}
	return folders, objects, nil
}
