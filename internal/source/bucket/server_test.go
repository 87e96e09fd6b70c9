package bucket

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bluetrail/internal/aws"
)

// server is the part of S3 that reading needs, with pages of a few keys.
type server struct {
	pageSize int
	url      string

	mu      sync.Mutex
	objects map[string][]byte
	asked   []string // "LIST prefix" or "GET key"
	// fault may answer a request itself, or cut an answer; n counts the requests for a key.
	fault func(w http.ResponseWriter, key string, n int, body []byte) (done bool)
	times map[string]int
}

// serve starts a server with objects of the bucket "trail".
func serve(t *testing.T, objects map[string][]byte) *server {
	t.Helper()
	for k, v := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PROFILE": "",
	} {
		t.Setenv(k, v)
	}
	s := &server{pageSize: 3, objects: objects, times: map[string]int{}}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	s.url = h.URL
	return s
}

func (s *server) access() aws.Access {
	return aws.Access{Region: "us-east-1", Endpoint: s.url, PathStyle: true}
}

// requests returns what was asked for since the last call.
func (s *server) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.asked
	s.asked = nil
	slices.Sort(list)
	return list
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if bucket != "trail" {
		refuse(w, 404, "NoSuchBucket")
		return
	}
	q := r.URL.Query()
	if key == "" {
		s.list(w, q)
		return
	}
	s.mu.Lock()
	s.asked = append(s.asked, "GET "+key)
	s.times[key]++
	n, body, fault := s.times[key], s.objects[key], s.fault
	s.mu.Unlock()
	if body == nil {
		refuse(w, 404, "NoSuchKey")
		return
	}
	if m := r.Header.Get("If-Match"); m != "" && m != tagOf(body) {
		refuse(w, 412, "PreconditionFailed")
		return
	}
	status := 200
	if from, to, ok := strings.Cut(strings.TrimPrefix(r.Header.Get("Range"), "bytes="), "-"); ok {
		a, _ := strconv.Atoi(from)
		b, _ := strconv.Atoi(to)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", a, b, len(body)))
		body, status = body[a:b+1], 206
	}
	if fault != nil && fault(w, key, n, body) {
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
}

func tagOf(body []byte) string {
	sum := md5.Sum(body)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	IsTruncated           bool
	EncodingType          string
	NextContinuationToken string `xml:",omitempty"`
	Contents              []listed
	CommonPrefixes        []struct{ Prefix string }
}

type listed struct {
	Key, ETag    string
	Size         int
	LastModified time.Time
}

func (s *server) list(w http.ResponseWriter, q url.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	prefix, delimiter := q.Get("prefix"), q.Get("delimiter")
	s.asked = append(s.asked, "LIST "+prefix)
	if s.fault != nil && s.fault(w, "LIST "+prefix, 0, nil) {
		return
	}
	var keys []string
	for k := range s.objects {
		if strings.HasPrefix(k, prefix) && k > max(q.Get("start-after"), q.Get("continuation-token")) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	out := listing{EncodingType: "url"}
	size := s.pageSize
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil {
		size = n
	}
	last := ""
	for _, k := range keys {
		if i := strings.Index(k[len(prefix):], "/"); delimiter != "" && i >= 0 {
			below := k[:len(prefix)+i+1]
			if n := len(out.CommonPrefixes); n > 0 && out.CommonPrefixes[n-1].Prefix == url.QueryEscape(below) {
				last = k
				continue
			}
			if len(out.Contents)+len(out.CommonPrefixes) == size {
				out.IsTruncated = true
				break
			}
			out.CommonPrefixes = append(out.CommonPrefixes, struct{ Prefix string }{url.QueryEscape(below)})
		} else {
			if len(out.Contents)+len(out.CommonPrefixes) == size {
				out.IsTruncated = true
				break
			}
			out.Contents = append(out.Contents, listed{url.QueryEscape(k), tagOf(s.objects[k]), len(s.objects[k]), time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)})
		}
		last = k
	}
	if out.IsTruncated {
		out.NextContinuationToken = last
	}
	w.Header().Set("Content-Type", "application/xml")
	xml.NewEncoder(w).Encode(out)
}
