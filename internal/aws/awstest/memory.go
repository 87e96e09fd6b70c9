package awstest

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
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

// Memory is a server of S3 that holds objects in memory: it lists (ListObjectsV2) and
// reads (GetObject) by path-style requests, and checks no signature. It starts at once,
// where S3 needs a program; tests of what is particular to S3 run with both.
type Memory struct {
	Access aws.Access

	mu      sync.Mutex
	buckets map[string]map[string]*stored
	sorted  map[string][]string
	lists   int
}

type stored struct {
	data     []byte
	etag     string
	changed  time.Time
	metadata map[string]string
}

// NewMemory starts a server and sets credentials in the environment.
func NewMemory(tb testing.TB) *Memory {
	tb.Helper()
	Keys(tb)
	m := &Memory{buckets: map[string]map[string]*stored{}, sorted: map[string][]string{}}
	s := httptest.NewServer(m)
	tb.Cleanup(s.Close)
	m.Access = aws.Access{Region: Region, Endpoint: s.URL, PathStyle: true}
	return m
}

// Put stores an object; a bucket is made with its first one.
func (m *Memory) Put(bucket, key string, data []byte, metadata map[string]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.buckets[bucket] == nil {
		m.buckets[bucket] = map[string]*stored{}
	}
	sum := md5.Sum(data)
	m.buckets[bucket][key] = &stored{data, `"` + hex.EncodeToString(sum[:]) + `"`, time.Now().UTC().Truncate(time.Second), metadata}
	delete(m.sorted, bucket)
}

// Lists returns how many listings were asked for.
func (m *Memory) Lists() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lists
}

// ServeHTTP implements http.Handler.
func (m *Memory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	m.mu.Lock()
	defer m.mu.Unlock()
	objects := m.buckets[name]
	switch {
	case objects == nil:
		refuse(w, r, &Fault{Status: http.StatusNotFound, Code: "NoSuchBucket"})
	case key == "" && r.URL.Query().Get("list-type") == "2":
		m.lists++
		m.list(w, r, name)
	case objects[key] == nil:
		refuse(w, r, &Fault{Status: http.StatusNotFound, Code: "NoSuchKey"})
	default:
		objects[key].serve(w, r)
	}
}

func (o *stored) serve(w http.ResponseWriter, r *http.Request) {
	if want := r.Header.Get("If-Match"); want != "" && want != o.etag {
		refuse(w, r, &Fault{Status: http.StatusPreconditionFailed, Code: "PreconditionFailed"})
		return
	}
	for k, v := range o.metadata {
		w.Header().Set("X-Amz-Meta-"+k, v)
	}
	w.Header().Set("Etag", o.etag)
	w.Header().Set("Last-Modified", o.changed.Format(http.TimeFormat))
	w.Header().Set("Content-Length", strconv.Itoa(len(o.data)))
	if r.Method != http.MethodHead {
		w.Write(o.data)
	}
}

type listed struct {
	XMLName        xml.Name `xml:"ListBucketResult"`
	EncodingType   string   `xml:",omitempty"`
	IsTruncated    bool
	KeyCount       int
	Contents       []content
	CommonPrefixes []common
	Token          string `xml:"NextContinuationToken,omitempty"`
}

type content struct {
	Key, ETag    string
	LastModified string
	Size         int
}

type common struct{ Prefix string }

// list lists a bucket; the continuation token is the last key.
func (m *Memory) list(w http.ResponseWriter, r *http.Request, name string) {
	keys := m.sorted[name]
	if keys == nil {
		for k := range m.buckets[name] {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		m.sorted[name] = keys
	}
	q := r.URL.Query()
	prefix, delimiter, most := q.Get("prefix"), q.Get("delimiter"), 1000
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil && n < most {
		most = n
	}
	after := max(q.Get("start-after"), q.Get("continuation-token"))
	out := listed{EncodingType: q.Get("encoding-type")}
	encode := func(s string) string {
		if out.EncodingType == "url" {
			return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/")
		}
		return s
	}
	i, _ := slices.BinarySearch(keys, max(prefix, after))
	for ; i < len(keys) && strings.HasPrefix(keys[i], prefix) || i < len(keys) && keys[i] < prefix; i++ {
		k := keys[i]
		if k <= after || !strings.HasPrefix(k, prefix) {
			continue
		}
		if n := strings.Index(k[len(prefix):], delimiter); delimiter != "" && n >= 0 {
			folder := k[:len(prefix)+n+len(delimiter)]
			if strings.HasPrefix(after, folder) {
				continue
			}
			if last := len(out.CommonPrefixes); last > 0 && out.CommonPrefixes[last-1].Prefix == encode(folder) {
				continue
			}
			if out.KeyCount == most {
				out.IsTruncated = true
				break
			}
			out.CommonPrefixes = append(out.CommonPrefixes, common{encode(folder)})
			out.Token = folder + "\U0010ffff"
		} else {
			if out.KeyCount == most {
				out.IsTruncated = true
				break
			}
			o := m.buckets[name][k]
			out.Contents = append(out.Contents, content{encode(k), o.etag, o.changed.Format("2006-01-02T15:04:05.000Z"), len(o.data)})
			out.Token = k
		}
		out.KeyCount++
	}
	if !out.IsTruncated {
		out.Token = ""
	}
	w.Header().Set("Content-Type", "application/xml")
	io.WriteString(w, xml.Header)
	if err := xml.NewEncoder(w).Encode(out); err != nil {
		panic(fmt.Sprint("awstest: ", err))
	}
}
