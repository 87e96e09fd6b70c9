package config

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// SQS is a queue of messages that announce objects of S3. Access says how it is reached.
type SQS struct {
	Queue      string        `yaml:"queue"`       // URL
	Buckets    []string      `yaml:"buckets"`     // that messages may point to: bucket, bucket/prefix, or * for any
	S3Endpoint string        `yaml:"s3_endpoint"` // as Access.Endpoint, for S3
	Tries      int           `yaml:"tries"`       // of a message until it becomes a dead letter, 0 = 10
	Visibility time.Duration `yaml:"visibility"`  // how long a message is hidden at a time, 0 = 2m
	Fetch      int           `yaml:"fetch"`       // objects that are fetched side by side, 0 = 32
}

// Bounds of SQS, which hides a message for at most 12 hours.
const (
	leastHidden = 10 * time.Second
	mostHidden  = 12 * time.Hour
	mostTries   = 1000
	mostFetch   = 256
)

func checkSQS(s *Source) error {
	q := &s.SQS
	u, err := url.Parse(q.Queue)
	s3 := Access{Endpoint: q.S3Endpoint}
	switch {
	case q.Queue == "":
		return fmt.Errorf("it has no queue; write the URL of the queue")
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return fmt.Errorf("queue %q: expected a URL such as https://sqs.eu-west-1.amazonaws.com/111122223333/trail", q.Queue)
	case len(q.Buckets) == 0:
		return fmt.Errorf("it has no buckets; list those that messages may point to (bucket, bucket/prefix, or * for any)")
	case s3.Check() != nil:
		return fmt.Errorf("s3_%w", s3.Check())
	case q.Tries < 0 || q.Tries > mostTries:
		return fmt.Errorf("tries must be between 1 and %d, not %d", mostTries, q.Tries)
	case q.Fetch < 0 || q.Fetch > mostFetch:
		return fmt.Errorf("fetch must be between 1 and %d, not %d", mostFetch, q.Fetch)
	case q.Visibility != 0 && (q.Visibility < leastHidden || q.Visibility > mostHidden):
		return fmt.Errorf("visibility must be between %s and %s, not %s", leastHidden, mostHidden, q.Visibility)
	}
	for _, b := range q.Buckets {
		if name, _, _ := strings.Cut(b, "/"); name == "" || strings.Contains(b, "://") || b != "*" && strings.Contains(name, "*") {
			return fmt.Errorf("buckets: %q: write the name of a bucket, bucket/prefix, or * for any", b)
		}
	}
	return s.Access.Check()
}

// queueHost is the host of a queue's URL.
var queueHost = regexp.MustCompile(`^sqs\.([a-z0-9-]+)\.(?:amazonaws\.com|api\.aws)|^([a-z0-9-]+)\.queue\.amazonaws\.com$`)

// QueueAccess returns how the queue of a source is reached: in the region of its URL,
// unless Access names one.
func (s *Source) QueueAccess() Access {
	a := s.Access
	if u, err := url.Parse(s.SQS.Queue); err == nil && a.Region == "" {
		if m := queueHost.FindStringSubmatch(u.Hostname()); m != nil {
			a.Region = m[1] + m[2]
		}
	}
	return a
}

// ObjectAccess returns how the objects that messages announce are reached.
func (s *Source) ObjectAccess() Access {
	a := s.QueueAccess()
	a.Endpoint = s.SQS.S3Endpoint
	return a
}
