package config

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// S3 is a bucket, or a prefix in one, that is read and then followed. Access says how it
// is reached.
type S3 struct {
	URL   string        `yaml:"url"`   // s3://BUCKET or s3://BUCKET/PREFIX
	Since string        `yaml:"since"` // a day, YYYY-MM-DD: what was delivered before is left out; "" = none
	Poll  time.Duration `yaml:"poll"`  // between looks for new objects, 0 = a minute
}

// Bounds of S3.Poll.
const (
	leastPoll = 5 * time.Second
	mostPoll  = 24 * time.Hour
)

func checkS3(s *Source) error {
	rest, ok := strings.CutPrefix(s.S3.URL, "s3://")
	switch {
	case s.S3.URL == "":
		return errors.New("it has no url; write s3://BUCKET/PREFIX")
	case !ok || rest == "" || rest[0] == '/':
		return fmt.Errorf("url %q: expected s3://BUCKET/PREFIX", s.S3.URL)
	case s.S3.Poll != 0 && (s.S3.Poll < leastPoll || s.S3.Poll > mostPoll):
		return fmt.Errorf("poll must be between %s and %s, not %s", leastPoll, mostPoll, s.S3.Poll)
	}
	if _, err := s.S3.Start(); err != nil {
		return err
	}
	return s.Access.Check()
}

// folder returns the URL without a slash at its end.
func (s *S3) folder() string { return strings.TrimSuffix(s.URL, "/") }

// Start returns the beginning of Since, zero = none.
func (s *S3) Start() (time.Time, error) {
	if s.Since == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.DateOnly, s.Since)
	if err != nil {
		return at, fmt.Errorf("since %q: expected a day such as 2026-01-31", s.Since)
	}
	return at, nil
}
