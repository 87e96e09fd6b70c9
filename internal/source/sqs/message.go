package sqs

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Object is an object that a message announces.
type Object struct {
	Bucket, Key string
	Version     string // "" = the current one
	Size        int64  // -1 = the message does not say
}

// Content is what a message says.
type Content struct {
	Objects []Object
	Record  []byte // a record that the message carries itself: EventBridge delivers events so
	Ignored string // why a message without either is no problem; "" = it is none of these
}

// Bounds of a message.
const (
	maxNesting = 4    // envelopes, one inside the other
	maxObjects = 1000 // of a message: AWS sends one, CloudTrail's topics a few
	maxKey     = 1024 // bytes of an S3 key
)

// Parse reads the body of a message: an S3 event notification, what S3 sends to
// EventBridge, what CloudTrail publishes to its own topic, or an event that EventBridge
// delivers; each as it is or inside a notification of SNS.
func Parse(body string) (Content, error) {
	return parse(body, maxNesting)
}

// envelope has the keys by which the shapes are told apart. The names of JSON keys are
// compared without case by encoding/json, so "Message" and "message" are the same here.
type envelope struct {
	// S3 event notification
	Records []notification `json:"Records"`
	Event   string         `json:"Event"` // s3:TestEvent
	// SNS
	Type    string  `json:"Type"`
	Topic   string  `json:"TopicArn"`
	Message *string `json:"Message"`
	// CloudTrail's topic
	Bucket string   `json:"s3Bucket"`
	Keys   []string `json:"s3ObjectKey"`
	Digest string   `json:"digestS3Object"`
	// EventBridge
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Detail     json.RawMessage `json:"detail"`
}

// notification is a record of an S3 event notification.
type notification struct {
	Name string    `json:"eventName"`
	Time time.Time `json:"eventTime"`
	S3   *struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key     string `json:"key"` // as in a query string
			Size    *int64 `json:"size"`
			Version string `json:"versionId"`
		} `json:"object"`
	} `json:"s3"`
}

// created is the detail of an event that S3 sends to EventBridge. Its key is written as
// it is, unlike that of a notification.
type created struct {
	Bucket struct {
		Name string `json:"name"`
	} `json:"bucket"`
	Object struct {
		Key     string `json:"key"`
		Size    *int64 `json:"size"`
		Version string `json:"version-id"`
	} `json:"object"`
}

func parse(body string, nesting int) (c Content, err error) {
	var e envelope
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		return c, fmt.Errorf("the body is not a JSON object that this source reads: %w", err)
	}
	switch {
	case e.Event == "s3:TestEvent":
		c.Ignored = "test event of S3"
		return c, nil
	case e.Type == "SubscriptionConfirmation":
		return c, fmt.Errorf("SNS asks to confirm the subscription to %q: confirm it as the owner of the queue (aws sns confirm-subscription)", e.Topic)
	case e.Type == "UnsubscribeConfirmation":
		return c, fmt.Errorf("the subscription to %q was removed: this queue no longer gets anything from it", e.Topic)
	case e.Type == "Notification" && e.Message != nil:
		if nesting--; nesting == 0 {
			return c, fmt.Errorf("envelopes are nested more than %d deep", maxNesting)
		}
		return parse(*e.Message, nesting)
	case e.DetailType != "" && e.Source == "aws.s3":
		return e.fromS3()
	case strings.HasSuffix(e.DetailType, "via CloudTrail"):
		c.Record = []byte(body)
		return c, nil
	case e.DetailType != "":
		return c, fmt.Errorf("EventBridge delivered %q of %q: this source reads \"Object Created\" of aws.s3 and events \"via CloudTrail\"", e.DetailType, e.Source)
	case e.Bucket != "" && (len(e.Keys) > 0 || e.Digest != ""):
		for _, key := range e.Keys {
			c.Objects = append(c.Objects, Object{Bucket: e.Bucket, Key: key, Size: -1})
		}
		if len(c.Objects) == 0 {
			c.Ignored = "digest of CloudTrail"
		}
	case len(e.Records) > 0:
		if c, err = fromRecords(e.Records); err != nil {
			return Content{}, err
		}
	default:
		return c, errors.New("the body is not an S3 event, an SNS notification, an EventBridge event or a CloudTrail notification")
	}
	return c, c.check()
}

// fromS3 reads an event that S3 sends to EventBridge.
func (e *envelope) fromS3() (c Content, err error) {
	if e.DetailType != "Object Created" && e.DetailType != "Object Restore Completed" {
		c.Ignored = e.DetailType
		return c, nil
	}
	var d created
	if err := json.Unmarshal(e.Detail, &d); err != nil {
		return c, fmt.Errorf("cannot read the detail of the event: %w", err)
	}
	c.Objects = []Object{{d.Bucket.Name, d.Object.Key, d.Object.Version, sizeOf(d.Object.Size)}}
	return c, c.check()
}

// fromRecords reads an S3 event notification.
func fromRecords(records []notification) (c Content, err error) {
	other := ""
	for i, r := range records {
		name := strings.TrimPrefix(r.Name, "s3:")
		switch {
		case r.S3 == nil:
			return c, fmt.Errorf("record %d of the body is not an S3 event", i+1)
		case !strings.HasPrefix(name, "ObjectCreated:") && name != "ObjectRestore:Completed":
			other = r.Name
			continue
		}
		key, err := url.QueryUnescape(r.S3.Object.Key)
		if err != nil {
			return c, fmt.Errorf("cannot decode the object key of record %d: %w", i+1, err)
		}
		c.Objects = append(c.Objects, Object{r.S3.Bucket.Name, key, r.S3.Object.Version, sizeOf(r.S3.Object.Size)})
	}
	if len(c.Objects) == 0 {
		c.Ignored = other
	}
	return c, nil
}

func sizeOf(size *int64) int64 {
	if size == nil || *size < 0 {
		return -1
	}
	return *size
}

// check refuses what cannot be an object.
func (c *Content) check() error {
	if len(c.Objects) > maxObjects {
		return fmt.Errorf("the message announces %d objects; at most %d are read", len(c.Objects), maxObjects)
	}
	for _, o := range c.Objects {
		if o.Bucket == "" || o.Key == "" || len(o.Key) > maxKey {
			return fmt.Errorf("the message announces bucket %.100q, key %.100q: this is not an S3 object", o.Bucket, o.Key)
		}
	}
	return nil
}
