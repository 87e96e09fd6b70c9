package bucket_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"bluetrail/internal/aws"
	"bluetrail/internal/aws/awstest"
	"bluetrail/internal/aws/bucket"
)

// TestElsewhere: a bucket in another region costs one refused request, and what the header
// says of an object decides whether its content is read.
func TestElsewhere(t *testing.T) {
	awstest.Keys(t)
	refused, gets := 0, 0
	region := "somewhere"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "/eu-south-2/s3/") {
			refused++
			w.Header().Set("X-Amz-Bucket-Region", region)
			w.WriteHeader(http.StatusMovedPermanently)
			io.WriteString(w, "<Error><Code>PermanentRedirect</Code></Error>")
			return
		}
		if r.URL.Query().Has("list-type") {
			io.WriteString(w, "<ListBucketResult><Contents><Key>a</Key><Size>2</Size></Contents></ListBucketResult>")
			return
		}
		gets++
		content := []byte("v1")
		if r.URL.Query().Get("versionId") == "2" {
			content = []byte("second")
		}
		sum := md5.Sum(content)
		w.Header().Set("ETag", fmt.Sprintf("%q", hex.EncodeToString(sum[:])))
		w.Write(content)
	}))
	defer server.Close()
	client, err := aws.New(t.Context(), aws.Access{Region: "us-east-1", Endpoint: server.URL, PathStyle: true})
	if err != nil {
		t.Fatal(err)
	}
	b := bucket.New(client, "trail")
	if _, err := b.Next(t.Context(), &bucket.Listing{}); err == nil || !strings.Contains(err.Error(), "another region") || refused != 1 {
		t.Errorf("a region of no such form: %v, %d requests", err, refused)
	}
	region, refused = "eu-south-2", 0
	if page, err := b.Next(t.Context(), &bucket.Listing{}); err != nil || len(page) != 1 {
		t.Error(page, err)
	}
	var head bucket.Object
	c, err := b.GetIf(t.Context(), bucket.Object{Key: "a", Version: "2", Size: -1}, func(o bucket.Object) bool { head = o; return false })
	if c != nil || err != nil || head.Size != 6 || head.ETag == "" {
		t.Error(c, err, head)
	}
	c, err = b.Get(t.Context(), bucket.Object{Key: "a", Version: "2", Size: -1})
	if err != nil {
		t.Fatal(err)
	}
	if string(c.Bytes()) != "second" || gets != 2 || refused != 1 {
		t.Errorf("%q, %d objects asked for, %d requests refused", c.Bytes(), gets, refused)
	}
}

// TestPages: an empty page does not end a listing, a server that does not get on with it
// does, and requests are counted.
func TestPages(t *testing.T) {
	awstest.Keys(t)
	pages := map[string]string{
		"":  "<IsTruncated>true</IsTruncated><NextContinuationToken>1</NextContinuationToken>",
		"1": "<IsTruncated>true</IsTruncated><NextContinuationToken>2</NextContinuationToken><Contents><Key>p/a</Key><Size>2</Size></Contents><CommonPrefixes><Prefix>p/b/</Prefix></CommonPrefixes>",
		"2": "<IsTruncated>false</IsTruncated><CommonPrefixes><Prefix>p/c/</Prefix></CommonPrefixes>",
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "<ListBucketResult>"+pages[r.URL.Query().Get("continuation-token")]+"</ListBucketResult>")
	}))
	defer server.Close()
	client, err := aws.New(t.Context(), aws.Access{Region: "us-east-1", Endpoint: server.URL, PathStyle: true})
	if err != nil {
		t.Fatal(err)
	}
	b := bucket.New(client, "trail")
	sent := 0
	b.Sent = func(op bucket.Operation) {
		if op == bucket.ListObjects {
			sent++
		}
	}
	folders, objects, err := b.Folders(t.Context(), "p/")
	if err != nil || strings.Join(folders, " ") != "p/b/ p/c/" || len(objects) != 1 || sent != 3 {
		t.Error(folders, objects, err, sent)
	}
	for _, next := range []string{"<NextContinuationToken>1</NextContinuationToken>", ""} {
		pages["1"] = "<IsTruncated>true</IsTruncated>" + next
		if _, _, err := b.Folders(t.Context(), "p/"); err == nil || !strings.Contains(err.Error(), "cannot list s3://trail/p/: the server") {
			t.Error(next, err)
		}
	}
}
