package digest

import (
	"context"
	"io"
	"path"
	"strings"
	"time"

	"bluetrail/internal/aws/trailkey"
)

// Object is an object of a bucket, or a file of a copy.
type Object struct {
	Bucket  string // "" = a copy: where it came from is not known
	Key     string // in the bucket; of a copy the path below the folder that was named, with slashes
	Name    string // for people, and for whoever opens it: a path or a URL
	Size    int64  // as it is stored
	Changed time.Time

	of int // whose it is in a Join
}

// Objects are what is verified. It is safe for concurrent use.
type Objects interface {
	// List calls each with every object, in any order, one call at a time. An error of
	// each ends it. skip is called with what could not be listed.
	List(ctx context.Context, each func(Object) error, skip func(name string, err error)) error
	// Open opens an object. The content may still be compressed.
	Open(ctx context.Context, o *Object) (io.ReadCloser, error)
	// Meta returns what is kept of a digest file beside its content.
	Meta(ctx context.Context, o *Object) (Meta, error)
}

// Meta is the metadata of a digest file; empty = there is none.
type Meta struct {
	Signature string    // x-amz-meta-signature, hexadecimal
	Backfill  time.Time // x-amz-meta-backfill-generation-timestamp
}

// Keys of metadata.
const (
	MetaSignature = "signature"
	MetaBackfill  = "backfill-generation-timestamp"
)

// MetaOf reads metadata by its keys, without x-amz-meta-.
func MetaOf(all map[string]string) (m Meta) {
	for key, value := range all {
		switch strings.TrimPrefix(strings.ToLower(key), "x-amz-meta-") {
		case MetaSignature:
			m.Signature = strings.TrimSpace(value)
		case MetaBackfill:
			for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999999999", "20060102T150405Z"} {
				if t, err := time.Parse(layout, value); err == nil {
					m.Backfill = t.UTC()
					break
				}
			}
		}
	}
	return m
}

// name is what the name of a file tells, as CloudTrail forms it:
//
//	account_CloudTrail[-Kind]_region_yyyymmddThhmmZ_letters.json.gz
//	account_CloudTrail-Digest_region_trail_home-region_yyyymmddThhmmssZ[_backfill].json.gz
type name struct {
	account, region string
	digest          bool
	trail, home     string // of a digest
	backfill        bool
	kind            string    // of a log file: "" or Insight, Aggregated, …
	at              time.Time // the end of a digest, the delivery of a log file
}

// parseName reads a key; ok is false if it is neither a digest nor a log file.
func parseName(key string) (n name, ok bool) {
	base, gz := strings.CutSuffix(path.Base(key), ".gz")
	base, isJSON := strings.CutSuffix(base, ".json")
	parts := strings.Split(base, "_")
	if !isJSON && !gz || len(parts) < 5 {
		return n, false
	}
	n.account, n.region = parts[0], parts[2]
	kind, isTrail := strings.CutPrefix(parts[1], "CloudTrail")
	if !isTrail {
		return n, false
	}
	n.at = trailkey.Delivered(path.Base(key))
	if n.kind = strings.TrimPrefix(kind, "-"); n.kind != "Digest" {
		return n, !n.at.IsZero()
	}
	n.digest, n.kind = true, ""
	if last := len(parts) - 1; parts[last] == "backfill" {
		n.backfill, parts = true, parts[:last]
	}
	// The name of a trail may have underscores.
	last := len(parts) - 1
	if last < 5 {
		return n, false
	}
	n.trail, n.home = strings.Join(parts[3:last-1], "_"), parts[last-1]
	return n, !n.at.IsZero()
}

// root returns the part of a key up to the account, by which trails are told apart that
// share a bucket: prefix/AWSLogs/ or prefix/AWSLogs/o-id/. It is empty for a copy that
// has not kept the folders.
func root(key string) string {
	at := strings.Index("/"+key, "/AWSLogs/")
	if at < 0 {
		return ""
	}
	at += len("AWSLogs/")
	if rest := key[at:]; strings.HasPrefix(rest, "o-") {
		if slash := strings.IndexByte(rest, '/'); slash >= 0 {
			at += slash + 1
		}
	}
	return key[:at]
}

// baseOf is the name by which a file is looked up: its own is unique in a trail. Programs
// that decompress what they download leave out the .gz.
func baseOf(key string) string { return strings.TrimSuffix(path.Base(key), ".gz") }

// isAt reports whether an object lies where a digest says. Of a copy only the part below
// AWSLogs counts, or as much as has been kept.
func (o *Object) isAt(bucket, key string) bool {
	if o.Bucket != "" {
		return o.Bucket == bucket && o.Key == key
	}
	own, key := strings.TrimSuffix(o.Key, ".gz"), strings.TrimSuffix(key, ".gz")
	return strings.HasSuffix("/"+key, "/"+own) || belowLogs(own) == belowLogs(key)
}

func belowLogs(key string) string {
	if at := strings.Index("/"+key, "/AWSLogs/"); at >= 0 {
		return key[at:]
	}
	return key
}
