// Package bucket lists and reads S3 buckets. It returns objects only as a whole, after
// checking their length, and their checksum or ETag where S3 has one.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"bluetrail/internal/aws"
	"bluetrail/internal/aws/trailkey"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
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

// Bucket is a bucket of S3. It is safe for concurrent use.
type Bucket struct {
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
func (b *Bucket) call(ctx context.Context, request func(*s3.Client) error) error {
	b.mu.Lock()
	region := b.region
	b.mu.Unlock()
	if region == "" {
		region = b.client.Region()
	}
	err := request(b.client.S3In(region))
	if other := regionOf(err); other != "" && other != region && ctx.Err() == nil {
		b.mu.Lock()
		b.region = other
		b.mu.Unlock()
		err = request(b.client.S3In(other))
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

// Page bounds how many keys S3 returns at once.
const Page = 1000

// Listing goes through the keys of a prefix in their order.
type Listing struct {
	Prefix string
	After  string // keys up to this one are left out; it moves as keys are returned
	Until  string // keys from this one on are left out; "" = none
	Most   int32  // keys in a page; 0 = Page
	Ended  bool   // no more keys follow
}

// Next returns the next page of a listing; Ended says whether it is the last one. It may
// be empty.
func (b *Bucket) Next(ctx context.Context, l *Listing) (page []Object, err error) {
	most := l.Most
	if most <= 0 || most > Page {
		most = Page
	}
	in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &l.Prefix, MaxKeys: &most, EncodingType: types.EncodingTypeUrl}
	if l.After != "" {
		in.StartAfter = &l.After
	}
	var out *s3.ListObjectsV2Output
	if err := b.call(ctx, func(c *s3.Client) (err error) { out, err = c.ListObjectsV2(ctx, in); return err }); err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", b.URL(l.Prefix), err)
	}
	for i := range out.Contents {
		o := object(&out.Contents[i], out.EncodingType)
		if l.Until != "" && o.Key >= l.Until {
			l.Ended = true
			return page, nil
		}
		if o.Key <= l.After { // of a server that does not know start-after
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
	return page, nil
}

// decoded returns a key or prefix of a listing. They are asked for URL-encoded: XML has no
// form for the control characters that a key may hold.
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

// Folders returns what lies directly below a prefix, which is empty or ends with a
// slash: the prefixes that end with the next slash, and the first objects, at most a
// page of them.
func (b *Bucket) Folders(ctx context.Context, prefix string) (folders []string, objects []Object, err error) {
	slash := "/"
	in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix, Delimiter: &slash, EncodingType: types.EncodingTypeUrl}
	for {
		var out *s3.ListObjectsV2Output
		if err := b.call(ctx, func(c *s3.Client) (err error) { out, err = c.ListObjectsV2(ctx, in); return err }); err != nil {
			return nil, nil, fmt.Errorf("cannot list %s: %w", b.URL(prefix), err)
		}
		for i := range out.CommonPrefixes {
			folders = append(folders, decoded(out.CommonPrefixes[i].Prefix, out.EncodingType))
		}
		for i := range out.Contents {
			if len(objects) < Page {
				objects = append(objects, object(&out.Contents[i], out.EncodingType))
			}
		}
		if out.IsTruncated == nil || !*out.IsTruncated || out.NextContinuationToken == nil {
			return folders, objects, nil
		}
		if len(folders) > mostFolders {
			return nil, nil, fmt.Errorf("cannot list %s: it has more than %d folders", b.URL(prefix), mostFolders)
		}
		in.ContinuationToken = out.NextContinuationToken
	}
}
