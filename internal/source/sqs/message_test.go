package sqs

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	put   = `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1","eventTime":"2026-03-01T10:05:00.000Z","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"trail"},"object":{"key":"a+b/2026/%2B%C3%BC.json.gz","size":42,"eTag":"0a","versionId":"v1"}}}]}`
	topic = `{"s3Bucket":"trail","s3ObjectKey":["AWSLogs/a+b.json.gz","AWSLogs/c%20d.json.gz"]}`
	rule  = `{"version":"0","id":"1","detail-type":"Object Created","source":"aws.s3","account":"111122223333","detail":{"bucket":{"name":"trail"},"object":{"key":"a+b/%20.json.gz","size":7,"version-id":"v2"},"reason":"PutObject"}}`
	call  = `{"version":"0","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","detail":{"eventVersion":"1.11","eventID":"x"}}`
)

func wrapped(message string) string {
	text, _ := json.Marshal(message)
	return fmt.Sprintf(`{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:us-east-1:111122223333:trail","Message":%s,"Signature":"x"}`, text)
}

func TestParse(t *testing.T) {
	s3 := Content{Objects: []Object{{"trail", "a b/2026/+ü.json.gz", "v1", 42}}}
	trail := Content{Objects: []Object{{"trail", "AWSLogs/a+b.json.gz", "", -1}, {"trail", "AWSLogs/c%20d.json.gz", "", -1}}}
	bridge := Content{Objects: []Object{{"trail", "a+b/%20.json.gz", "v2", 7}}}
	for name, c := range map[string]struct {
		body string
		want Content
	}{
		"s3":                      {put, s3},
		"s3 by sns":               {wrapped(put), s3},
		"s3 by two topics":        {wrapped(wrapped(put)), s3},
		"cloudtrail raw":          {topic, trail},
		"cloudtrail by sns":       {wrapped(topic), trail},
		"eventbridge":             {rule, bridge},
		"eventbridge by sns":      {wrapped(rule), bridge},
		"event of eventbridge":    {call, Content{Record: []byte(call)}},
		"its event by sns":        {wrapped(call), Content{Record: []byte(call)}},
		"name with s3:":           {strings.Replace(put, `"ObjectCreated:Put"`, `"s3:ObjectCreated:CompleteMultipartUpload"`, 1), s3},
		"restored":                {strings.Replace(put, `ObjectCreated:Put`, `ObjectRestore:Completed`, 1), s3},
		"test event":              {`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"trail"}`, Content{Ignored: "test event of S3"}},
		"test event by sns":       {wrapped(`{"Service":"Amazon S3","Event":"s3:TestEvent"}`), Content{Ignored: "test event of S3"}},
		"removed":                 {strings.Replace(put, `ObjectCreated:Put`, `ObjectRemoved:Delete`, 1), Content{Ignored: "ObjectRemoved:Delete"}},
		"removed by eventbridge":  {strings.Replace(rule, `Object Created`, `Object Deleted`, 1), Content{Ignored: "Object Deleted"}},
		"digest of cloudtrail":    {`{"s3Bucket":"trail","digestS3Object":"AWSLogs/x"}`, Content{Ignored: "digest of CloudTrail"}},
		"one of two was a create": {strings.Replace(put, `[{`, `[{"eventName":"ObjectRemoved:Delete","s3":{}},{`, 1), s3},
	} {
		got, err := Parse(c.body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	deep := put
	for range maxNesting {
		deep = wrapped(deep)
	}
	many := `{"s3Bucket":"b","s3ObjectKey":[` + strings.Repeat(`"k",`, maxObjects) + `"k"]}`
	for name, c := range map[string]struct{ body, want string }{
		"no json":           {"hello", "not a JSON object"},
		"null":              {"null", "not an S3 event"},
		"list":              {"[]", "not a JSON object"},
		"empty":             {"", "not a JSON object"},
		"other object":      {`{"hello":"world"}`, "not an S3 event"},
		"bad escape":        {strings.Replace(put, "%C3", "%ZZ", 1), "cannot decode the object key of record 1"},
		"no bucket":         {strings.Replace(put, `"name":"trail"`, `"name":""`, 1), "not an S3 object"},
		"long key":          {`{"s3Bucket":"b","s3ObjectKey":["` + strings.Repeat("k", maxKey+1) + `"]}`, "not an S3 object"},
		"many objects":      {many, "announces 1001 objects"},
		"dynamodb":          {`{"Records":[{"eventName":"INSERT","dynamodb":{}}]}`, "record 1 of the body is not an S3 event"},
		"other of bridge":   {`{"detail-type":"EC2 Instance State-change Notification","source":"aws.ec2"}`, "EventBridge delivered"},
		"subscription":      {`{"Type":"SubscriptionConfirmation","TopicArn":"t"}`, "confirm the subscription"},
		"unsubscribed":      {`{"Type":"UnsubscribeConfirmation","TopicArn":"t"}`, "was removed"},
		"too deep":          {deep, "envelopes"},
		"detail is no json": {strings.Replace(rule, `"detail":{`, `"detail":3,"x":{`, 1), "detail of the event"},
	} {
		got, err := Parse(c.body)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
		if len(got.Objects) > 0 && name != "many objects" && !strings.Contains(c.want, "not an S3 object") {
			t.Errorf("%s: objects beside the error: %v", name, got.Objects)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, body := range []string{put, topic, rule, call, wrapped(put), `{"Records":[null]}`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		c, err := Parse(body)
		if err == nil && len(c.Objects) == 0 && c.Record == nil && c.Ignored == "" {
			t.Errorf("a message of nothing is accepted: %q", body)
		}
	})
}
