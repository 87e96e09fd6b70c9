package sqs

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	awsclient "bluetrail/internal/aws"
	"bluetrail/internal/aws/awstest"
	"bluetrail/internal/ingest"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// goaws calls a server that knows only the older query protocol of SQS and SNS.
type goaws struct{ url string }

func (g goaws) call(form url.Values) ([]byte, error) {
	r, err := http.PostForm(g.url, form)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", form.Get("Action"), r.Status, body)
	}
	return body, err
}

func (g goaws) must(t *testing.T, pairs ...string) string {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	body, err := g.call(form)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// ServeHTTP translates the JSON protocol of the SDK.
func (g goaws) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		QueueUrl                                                string
		MaxNumberOfMessages, WaitTimeSeconds, VisibilityTimeout int
		Entries                                                 []struct {
			Id, ReceiptHandle string
			VisibilityTimeout int
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	form := url.Values{"Action": {action}, "QueueUrl": {in.QueueUrl}}
	answer := map[string]any{}
	type done struct{ Id string }
	var failed error
	switch action {
	case "ReceiveMessage":
		form.Set("MaxNumberOfMessages", strconv.Itoa(in.MaxNumberOfMessages))
		form.Set("WaitTimeSeconds", strconv.Itoa(in.WaitTimeSeconds))
		form.Set("VisibilityTimeout", strconv.Itoa(in.VisibilityTimeout))
		var out struct {
			Messages []struct {
				MessageId, ReceiptHandle, MD5OfBody, Body string
			} `xml:"ReceiveMessageResult>Message"`
		}
		body, err := g.call(form)
		if failed = err; failed == nil {
			failed = xml.Unmarshal(body, &out)
		}
		answer["Messages"] = out.Messages
	default:
		var ok []done
		for _, e := range in.Entries {
			one := url.Values{"Action": {strings.TrimSuffix(action, "Batch")}, "QueueUrl": {in.QueueUrl}, "ReceiptHandle": {e.ReceiptHandle}, "VisibilityTimeout": {strconv.Itoa(e.VisibilityTimeout)}}
			if _, err := g.call(one); err == nil {
				ok = append(ok, done{e.Id})
			}
		}
		answer["Successful"] = ok
	}
	if failed != nil {
		http.Error(w, failed.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	json.NewEncoder(w).Encode(answer)
}

// TestServers reads objects of a real server of S3 that a real server of SQS and SNS
// announces: straight, by a topic, and by both.
func TestServers(t *testing.T) {
	storage, queues := awstest.S3(t), awstest.SQS(t)
	g := goaws{queues.Endpoint}
	front := httptest.NewServer(g)
	defer front.Close()
	queues.Endpoint = front.URL
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	objects, err := awsclient.New(ctx, storage)
	if err != nil {
		t.Fatal(err)
	}
	client, err := awsclient.New(ctx, queues)
	if err != nil {
		t.Fatal(err)
	}
	name := "trail"
	if _, err := objects.S3().CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	var queue, topic struct {
		URL string `xml:"CreateQueueResult>QueueUrl"`
		ARN string `xml:"CreateTopicResult>TopicArn"`
	}
	xml.Unmarshal([]byte(g.must(t, "Action", "CreateQueue", "QueueName", "trail")), &queue)
	xml.Unmarshal([]byte(g.must(t, "Action", "CreateTopic", "Name", "trail")), &topic)
	g.must(t, "Action", "Subscribe", "TopicArn", topic.ARN, "Protocol", "sqs", "Endpoint", queue.URL)
	const n, each = 30, 5
	for i := range n {
		key := fmt.Sprintf("AWSLogs/a b/%d.json", i)
		if _, err := objects.S3().PutObject(ctx, &s3.PutObjectInput{Bucket: &name, Key: &key, Body: bytes.NewReader(object(i*each, (i+1)*each))}); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			g.must(t, "Action", "SendMessage", "QueueUrl", queue.URL, "MessageBody", announce(url.QueryEscape(key)))
		}
		if i%2 == 1 || i%6 == 0 {
			g.must(t, "Action", "Publish", "TopicArn", topic.ARN, "Message", `{"s3Bucket":"trail","s3ObjectKey":["`+key+`"]}`)
		}
	}
	g.must(t, "Action", "SendMessage", "QueueUrl", queue.URL, "MessageBody", announce("vanished"))
	p, err := ingest.Open(ctx, ingest.Config{Data: t.TempDir(), Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	s := New(Options{Name: "trail", Queue: queue.URL, Client: client.SQS(), Objects: NewS3(objects), Letters: p.State(), Buckets: []string{"trail/AWSLogs"}, wait: time.Second})
	defer s.Close()
	var running sync.WaitGroup
	running.Go(func() {
		if _, err := p.Run(ctx, s, ingest.RunOptions{Live: true}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	until(t, "all messages are deleted", func() bool { return s.o.Counts.deleted.Load() == n+n/6+1 })
	stop()
	running.Wait()
	if c, err := p.State().Checkpoint(); err != nil || c.Events != n*each {
		t.Errorf("%d events are stored, want %d; %v", c.Events, n*each, err)
	}
	if _, total, err := p.State().DeadLetters("", 1); err != nil || total != 1 {
		t.Errorf("%d dead letters, want that of the object that is not listed; %v", total, err)
	}
}
