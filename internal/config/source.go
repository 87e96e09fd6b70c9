package config

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Source is where a server takes events from. What a kind of source has of its own is
// in a struct named after it, whose keys lie beside those of Source.
type Source struct {
	Kind       string `yaml:"kind"`       // one of kinds; "" = KindDir
	Name       string `yaml:"name"`       // in metrics, logs and on pages; "" = see Label
	Index      string `yaml:"index"`      // "" = aws
	Sourcetype string `yaml:"sourcetype"` // "" = told from each record
	Host       string `yaml:"host"`       // "" = aws
	// Quiet is how long it may bring nothing before that is a condition of health;
	// nil = DefaultQuiet, 0 = for ever.
	Quiet *time.Duration `yaml:"quiet"`

	Dir          string       `yaml:"dir"` // KindDir: a folder that is watched
	Access       Access       `yaml:",inline"`
	SQS          SQS          `yaml:",inline"`
	S3           S3           `yaml:",inline"`
	LookupEvents LookupEvents `yaml:",inline"`
	Receiver     Receiver     `yaml:",inline"`
}

// The kinds of sources.
const (
	KindDir          = "dir"
	KindS3           = "s3"           // a bucket is read and followed
	KindSQS          = "sqs"          // a queue whose messages announce objects of S3
	KindLookupEvents = "lookupevents" // CloudTrail's event history of an account
	KindHEC          = "hec"          // clients send by the protocol of Splunk's HTTP Event Collector
	KindHTTP         = "http"         // clients send files of events, or are Amazon Data Firehose
)

// sourceKind is what a kind of source needs.
type sourceKind struct {
	keys  any                  // a struct with the keys of its own
	place func(*Source) string // what tells it from the others of its kind
	check func(*Source) error
}

// kinds are the kinds of sources.
var kinds = map[string]sourceKind{
	KindDir: {
		keys: struct {
			Dir string `yaml:"dir"`
		}{},
		place: func(s *Source) string { return s.Dir },
		check: func(s *Source) error {
			if s.Dir == "" {
				return errors.New("it has no dir")
			}
			return nil
		},
	},
	KindS3: {
		keys: struct {
			Access `yaml:",inline"`
			S3     `yaml:",inline"`
		}{},
		place: func(s *Source) string { return s.S3.folder() },
		check: checkS3,
	},
	KindSQS: {
		keys: struct {
			Access `yaml:",inline"`
			SQS    `yaml:",inline"`
		}{},
		place: func(s *Source) string { return s.SQS.Queue },
		check: checkSQS,
	},
	KindLookupEvents: {
		keys: struct {
			Access       `yaml:",inline"`
			LookupEvents `yaml:",inline"`
		}{},
		place: func(s *Source) string {
			return strings.TrimSpace(s.Access.Profile + " " + s.Access.RoleARN + " " + strings.Join(s.LookupEvents.Regions, " "))
		},
		check: checkLookupEvents,
	},
	KindHEC:  {keys: Receiver{}, place: func(s *Source) string { return s.Receiver.address(s.KindOf()) }, check: checkHEC},
	KindHTTP: {keys: Receiver{}, place: func(s *Source) string { return s.Receiver.address(s.KindOf()) + s.Receiver.path() }, check: checkHTTP},
}

// KindOf returns the kind of the source.
func (s *Source) KindOf() string { return cmp.Or(s.Kind, KindDir) }

// Label names the source in metrics, logs and on pages: by its name, its folder, or its
// kind and place.
func (s *Source) Label() string {
	switch {
	case s.Name != "":
		return s.Name
	case s.KindOf() == KindDir:
		return s.Dir
	}
	return s.KindOf() + " " + kinds[s.KindOf()].place(s)
}

// Folders returns the folders, of a file system or of S3, in which what the source reads
// lies by the keys that the state keeps.
func (s *Source) Folders() (list []string) {
	switch s.KindOf() {
	case KindDir:
		return []string{s.Dir}
	case KindS3:
		return []string{s.S3.folder()}
	case KindSQS:
		for _, b := range s.SQS.Buckets {
			if name, _, _ := strings.Cut(b, "/"); name == "*" {
				return []string{"s3:/"}
			} else if place := "s3://" + name; !slices.Contains(list, place) {
				list = append(list, place)
			}
		}
	case KindLookupEvents:
		return []string{HistoryPlace + s.History()}
	}
	return list
}

// DefaultQuiet is how long a source may bring nothing, unless it says otherwise.
const DefaultQuiet = 24 * time.Hour

// QuietTime returns how long the source may bring nothing, 0 = for ever.
func (s *Source) QuietTime() time.Duration {
	if s.Quiet == nil {
		return DefaultQuiet
	}
	return *s.Quiet
}

func (c *Config) checkSources() error {
	places, labels := map[string]bool{}, map[string]bool{}
	for i := range c.Sources {
		s := &c.Sources[i]
		kind, ok := kinds[s.KindOf()]
		if !ok {
			return fmt.Errorf("entry %d: there is no kind %q; the kinds are %s", i+1, s.Kind, strings.Join(sourceKinds(), ", "))
		}
		err := kind.check(s)
		if key := s.foreignKey(); key != "" {
			err = fmt.Errorf("a source of kind %s has no %s", s.KindOf(), key)
		}
		switch {
		case err != nil:
			return fmt.Errorf("entry %d: %w", i+1, err)
		case strings.HasPrefix(s.Index, "_"):
			return fmt.Errorf("entry %d: index %q: names that begin with _ are bluetrail's own", i+1, s.Index)
		case s.QuietTime() < 0 || s.QuietTime() > maxTime:
			return fmt.Errorf("%s %q: quiet must be between 0s (for ever) and %s, not %s", s.KindOf(), kind.place(s), maxTime, s.QuietTime())
		}
		place := s.KindOf() + " " + kind.place(s)
		if s.KindOf() == KindDir {
			place = filepath.Clean(s.Dir)
		}
		switch {
		case places[place]:
			return fmt.Errorf("%s %q is listed twice", s.KindOf(), kind.place(s))
		case labels[s.Label()]:
			return fmt.Errorf("two sources are named %q", s.Label())
		}
		places[place], labels[s.Label()] = true, true
	}
	return c.checkReceivers()
}

// sourceKinds returns the names of all kinds.
func sourceKinds() (list []string) {
	for name := range kinds {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// foreignKey returns a key that is set and belongs to another kind of source, "" = none.
func (s *Source) foreignKey() string {
	own := ownKeys(reflect.TypeOf(kinds[s.KindOf()].keys), nil)
	v := reflect.ValueOf(*s)
	for _, name := range sourceKinds() {
		for _, key := range ownKeys(reflect.TypeOf(kinds[name].keys), nil) {
			if f := field(v, key); f.IsValid() && !f.IsZero() && !slices.Contains(own, key) {
				return key
			}
		}
	}
	return ""
}

// ownKeys returns the keys of a struct and of those inlined into it.
func ownKeys(t reflect.Type, keys []string) []string {
	for i := range t.NumField() {
		name, opts, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if opts == "inline" {
			keys = ownKeys(t.Field(i).Type, keys)
			continue
		}
		keys = append(keys, name)
	}
	return keys
}

// field returns the field of a struct, or of one inlined into it, that has a key.
func field(v reflect.Value, key string) reflect.Value {
	for i := range v.NumField() {
		name, opts, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if name == key && key != "" {
			return v.Field(i)
		}
		if opts == "inline" {
			if f := field(v.Field(i), key); f.IsValid() {
				return f
			}
		}
	}
	return reflect.Value{}
}
