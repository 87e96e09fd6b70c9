package awstest

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"bluetrail/internal/aws"
	"bluetrail/internal/aws/bucket"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// TestS3: the server stores what is put, lists names of any kind, and reads through the
// proxy.
func TestS3(t *testing.T) {
	a := S3(t)
	a.Endpoint = Faulty(t, a.Endpoint, func(r *http.Request, n int) Fault {
		if r.Method == http.MethodGet && n%3 == 0 {
			return Fault{Status: 503, Code: "SlowDown"}
		}
		return Fault{}
	})
	c, err := aws.New(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	name := "trail"
	if _, err := c.S3().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"AWSLogs/a b+c.json": "1", "AWSLogs/ü&<>.json": "22", "AWSLogs/deep/er/x.json": "333"}
	for key, text := range want {
		if _, err := c.S3().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &key, Body: bytes.NewReader([]byte(text)), Metadata: map[string]string{"signature": "ab"}}); err != nil {
			t.Fatal(err)
		}
	}
	b := bucket.New(c, name)
	l := bucket.Listing{Prefix: "AWSLogs/", Most: 2}
	var objects []bucket.Object
	for !l.Ended {
		page, err := b.Next(t.Context(), &l)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, page...)
	}
	if len(objects) != len(want) {
		t.Errorf("%+v", objects)
	}
	for _, o := range objects {
		got, err := b.Get(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(got)
		if string(text) != want[o.Key] || err != nil || got.Metadata["signature"] != "ab" {
			t.Errorf("%s: %q, %v, %v", o.Key, text, got.Metadata, err)
		}
		got.Close()
	}
}

// TestSQS: the server keeps what is sent. goaws speaks the query protocol, which came
// before the JSON that the SDK sends.
func TestSQS(t *testing.T) {
	a := SQS(t)
	call := func(action string) string {
		t.Helper()
		r, err := http.Get(a.Endpoint + "/?Version=2012-11-05&Action=" + action)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != http.StatusOK {
			t.Fatal(r.Status, string(text), err)
		}
		return string(text)
	}
	queue := url.QueryEscape(a.Endpoint + "/" + Account + "/q")
	call("CreateQueue&QueueName=q")
	call("SendMessage&MessageBody=hello&QueueUrl=" + queue)
	if got := call("ReceiveMessage&QueueUrl=" + queue); !strings.Contains(got, "<Body>hello</Body>") {
		t.Error(got)
	}
}
