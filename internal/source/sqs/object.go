package sqs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	awsclient "bluetrail/internal/aws"
	"bluetrail/internal/aws/trailkey"
	"bluetrail/internal/event"
	"bluetrail/internal/source"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/cespare/xxhash/v2"
)

// S3 fetches objects from S3, from buckets of any region.
type S3 struct{ Client *awsclient.Client }

var _ Objects = S3{}

// Get implements Objects.
func (c S3) Get(ctx context.Context, bucket, key, version string) (*Body, error) {
	in := &s3.GetObjectInput{Bucket: &bucket, Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	out, err := c.Client.S3().GetObject(ctx, in)
	if region := elsewhere(err); region != "" {
		out, err = c.Client.S3In(region).GetObject(ctx, in)
	}
	if err != nil {
		explained := awsclient.Explain(err)
		if gone(err) {
			explained = fmt.Errorf("%w%w", explained, ErrNever)
		}
		return nil, explained
	}
	place := "s3://" + bucket + "/" + key
	modified := aws.ToTime(out.LastModified)
	b := source.Batch{
		Name: place, Key: place, Size: aws.ToInt64(out.ContentLength), Changed: modified, Print: xxhash.Sum64String(aws.ToString(out.ETag)),
		Meta: event.Meta{Source: place, Fallback: modified.UnixNano(), Guessed: true},
	}
	if k, ok := trailkey.Parse(key); ok {
		b.Digest = k.Digest()
	}
	if at := trailkey.Delivered(key[strings.LastIndexByte(key, '/')+1:]); !at.IsZero() {
		b.Meta.Fallback, b.Meta.Guessed = at.UnixNano(), false
	}
	if modified.IsZero() {
		b.Meta.Fallback = time.Now().UnixNano()
	}
	return &Body{out.Body, b}, nil
}

// gone reports whether an object cannot be had by trying again.
func gone(err error) bool {
	var api interface{ ErrorCode() string }
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "NoSuchKey", "NoSuchVersion", "NotFound", "InvalidObjectState", "MethodNotAllowed":
		return true
	}
	return false
}

// elsewhere returns the region of a bucket that the answer to a request names because it
// is another one, "" = none.
func elsewhere(err error) string {
	var r *smithyhttp.ResponseError
	if !errors.As(err, &r) || r.HTTPStatusCode() != http.StatusMovedPermanently && r.HTTPStatusCode() != http.StatusBadRequest && r.HTTPStatusCode() != http.StatusTemporaryRedirect {
		return ""
	}
	region := r.HTTPResponse().Header.Get("X-Amz-Bucket-Region")
	if !trailkey.IsRegion(region) {
		return ""
	}
	return region
}
