package config

import (
	"fmt"
	"net/mail"
	"net/url"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Output is where alerts are sent. Which keys hold depends on the type, see outputTypes.
type Output struct {
	Name string `yaml:"name"`
	Type string `yaml:"type"`

	URL      Secret `yaml:"url"`      // of webhook, slack, teams, discord, pagerduty, opsgenie, shoutrrr
	Token    Secret `yaml:"token"`    // bearer token, routing key or API key
	Secret   Secret `yaml:"secret"`   // a webhook is signed with it
	Format   string `yaml:"format"`   // alert, text or ocsf
	CA       string `yaml:"ca"`       // file of certificates to trust instead of the system's
	Internal bool   `yaml:"internal"` // link-local and metadata addresses are allowed

	Server   string   `yaml:"server"`   // email, syslog
	TLS      string   `yaml:"tls"`      // email: starttls, tls or none
	User     string   `yaml:"user"`     // email
	Password Secret   `yaml:"password"` // email
	From     string   `yaml:"from"`     // email
	To       []string `yaml:"to"`       // email

	Topic    string `yaml:"topic"`    // sns: ARN
	Account  string `yaml:"account"`  // securityhub: that findings are imported into
	Region   string `yaml:"region"`   // securityhub, sns
	Endpoint string `yaml:"endpoint"` // of AWS, for VPC endpoints

	Facility string `yaml:"facility"` // syslog

	Path   string `yaml:"path"`    // file
	MaxMiB int    `yaml:"max_mib"` // of the file before it is rotated
	Keep   int    `yaml:"keep"`    // rotated files

	Title string `yaml:"title"` // templates of what people read
	Text  string `yaml:"text"`

	Timeout   time.Duration `yaml:"timeout"`    // of one try
	Tries     int           `yaml:"tries"`      // before a message is given up
	GiveUp    time.Duration `yaml:"give_up"`    // likewise
	PerMinute int           `yaml:"per_minute"` // messages, 0 = any number
	Digest    time.Duration `yaml:"digest"`     // collected for so long and sent as one message
	Quiet     Quiet         `yaml:"quiet"`
}

// Quiet are hours in which an output waits.
type Quiet struct {
	From     string   `yaml:"from"` // HH:MM
	To       string   `yaml:"to"`
	Days     []string `yaml:"days"`     // on which they begin: mon, tue, …; none = every day
	TimeZone string   `yaml:"timezone"` // IANA name; "" = the configuration's
	Except   string   `yaml:"except"`   // severity from which alerts are sent nevertheless
}

// Route says which alerts go to which outputs. An alert takes every route that fits.
type Route struct {
	Outputs  []string `yaml:"outputs"`
	Severity string   `yaml:"severity"` // at least
	Rules    []string `yaml:"rules"`    // patterns of IDs, names or titles; none = any, as for the rest
	Accounts []string `yaml:"accounts"`
	Classes  []string `yaml:"classes"` // of actors
	Changes  []string `yaml:"changes"` // none = raised, worsened and reopened; machines also hear of closed
}

// Maintenance is a time in which alerts are kept, but not sent.
type Maintenance struct {
	From     time.Time `yaml:"from"`
	Until    time.Time `yaml:"until"`
	Reason   string    `yaml:"reason"`
	Outputs  []string  `yaml:"outputs"` // none = all
	Rules    []string  `yaml:"rules"`
	Accounts []string  `yaml:"accounts"`
}

// outputKeys are the keys of a type of output, but for those that all have. Needed ones
// end with an exclamation mark.
var outputKeys = map[string][]string{
	"webhook":     {"url!", "token", "secret", "format", "ca", "internal"},
	"slack":       {"url!", "ca", "internal", "title", "text"},
	"teams":       {"url!", "ca", "internal", "title", "text"},
	"discord":     {"url!", "ca", "internal", "title", "text"},
	"pagerduty":   {"token!", "url", "ca", "internal", "title"},
	"opsgenie":    {"token!", "url", "ca", "internal", "title", "text"},
	"shoutrrr":    {"url!", "title", "text"},
	"email":       {"server!", "from!", "to!", "tls", "user", "password", "ca", "title", "text"},
	"sns":         {"topic!", "region", "endpoint", "format", "title", "text"},
	"securityhub": {"account!", "region!", "endpoint", "title"},
	"syslog":      {"server!", "ca", "facility", "format", "title", "text"},
	"file":        {"path!", "format", "max_mib", "keep"},
}

var (
	commonKeys   = []string{"name", "type", "timeout", "tries", "give_up", "per_minute", "digest", "quiet"}
	formats      = map[string][]string{"webhook": {"alert", "ocsf"}, "file": {"alert", "ocsf"}, "sns": {"text", "alert", "ocsf"}, "syslog": {"text", "alert", "ocsf"}}
	severities   = []string{"informational", "low", "medium", "high", "critical"}
	changes      = []string{"raised", "worsened", "reopened", "closed"}
	weekdays     = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	mailTLS      = []string{"starttls", "tls", "none"}
	outputName   = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$`)
	topicARN     = regexp.MustCompile(`^arn:aws[a-z0-9-]*:sns:([a-z0-9-]+):\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$`)
	accountID    = regexp.MustCompile(`^\d{12}$`)
	regionName   = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-\d{1,2}$`)
	syslogScheme = []string{"tls", "tcp", "udp"}
)

// Facilities are the names of syslog's facilities, in the order of their numbers.
var Facilities = []string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}

// Defaults of outputs.
const (
	outputTimeout = 10 * time.Second
	outputTries   = 500
	outputGiveUp  = 24 * time.Hour
	outputMiB     = 64
	outputKeep    = 5
	maxOutputs    = 100
)

// outputs checks everything about outputs and fills in their defaults.
func (c *Config) outputs() error {
	if len(c.Outputs) > maxOutputs {
		return fmt.Errorf("outputs: there are %d; at most %d are allowed", len(c.Outputs), maxOutputs)
	}
	var names []string
	for i := range c.Outputs {
		o := &c.Outputs[i]
		if !outputName.MatchString(o.Name) {
			return fmt.Errorf("outputs: entry %d: name %q must have letters, digits, dots, dashes and underscores only, 64 at most", i+1, o.Name)
		}
		if slices.Contains(names, o.Name) {
			return fmt.Errorf("outputs: the name %q is taken twice", o.Name)
		}
		names = append(names, o.Name)
		if err := o.check(); err != nil {
			return fmt.Errorf("outputs: %q: %w", o.Name, err)
		}
	}
	known := func(list []string) error {
		for _, name := range list {
			if !slices.Contains(names, name) {
				return fmt.Errorf("there is no output %q", name)
			}
		}
		return nil
	}
	for i := range c.Routes {
		r := &c.Routes[i]
		err := known(r.Outputs)
		if len(r.Outputs) == 0 {
			err = fmt.Errorf("it has no outputs")
		}
		for _, e := range []error{err, oneOf("severity", r.Severity, severities, true), all("changes", r.Changes, changes), patterns(r.Rules), patterns(r.Accounts), patterns(r.Classes)} {
			if e != nil {
				return fmt.Errorf("routes: entry %d: %w", i+1, e)
			}
		}
	}
	for i := range c.Maintenance {
		m := &c.Maintenance[i]
		err := known(m.Outputs)
		switch {
		case m.From.IsZero() || m.Until.IsZero():
			err = fmt.Errorf("it needs from and until, as in 2026-11-28T20:00:00Z")
		case !m.From.Before(m.Until):
			err = fmt.Errorf("until must be after from")
		}
		for _, e := range []error{err, patterns(m.Rules), patterns(m.Accounts)} {
			if e != nil {
				return fmt.Errorf("maintenance: entry %d: %w", i+1, e)
			}
		}
	}
	return nil
}

// check checks an output and fills in its defaults. Its errors show no value that may be
// a secret.
func (o *Output) check() error {
	keys, ok := outputKeys[o.Type]
	if !ok {
		var types []string
		for t := range outputKeys {
			types = append(types, t)
		}
		slices.Sort(types)
		return fmt.Errorf("there is no type %q; there are %s", o.Type, strings.Join(types, ", "))
	}
	v := reflect.ValueOf(*o)
	for i := range v.NumField() {
		key := v.Type().Field(i).Tag.Get("yaml")
		set := !v.Field(i).IsZero()
		switch {
		case slices.Contains(commonKeys, key):
		case slices.Contains(keys, key+"!"):
			if !set {
				return fmt.Errorf("an output of type %s needs %s", o.Type, key)
			}
		case set && !slices.Contains(keys, key):
			return fmt.Errorf("an output of type %s has no %s", o.Type, key)
		}
	}
	if err := o.secrets(); err != nil {
		return err
	}
	if err := o.places(); err != nil {
		return err
	}
	if f := formats[o.Type]; f != nil {
		if o.Format == "" {
			o.Format = f[0]
		}
		if err := oneOf("format", o.Format, f, false); err != nil {
			return err
		}
	}
	for _, n := range []struct {
		key              string
		val              *int
		def, least, most int
	}{{"tries", &o.Tries, outputTries, 1, 10_000}, {"per_minute", &o.PerMinute, 0, 0, 100_000}, {"max_mib", &o.MaxMiB, outputMiB, 1, maxMiB}, {"keep", &o.Keep, outputKeep, 1, 1000}} {
		if *n.val == 0 && (o.Type == "file" || n.key == "tries") {
			*n.val = n.def
		}
		if *n.val != 0 && (*n.val < n.least || *n.val > n.most) {
			return fmt.Errorf("%s must be between %d and %d, not %d", n.key, n.least, n.most, *n.val)
		}
	}
	for _, d := range []struct {
		key         string
		val         *time.Duration
		def         time.Duration
		least, most time.Duration
	}{{"timeout", &o.Timeout, outputTimeout, time.Second, 5 * time.Minute}, {"give_up", &o.GiveUp, outputGiveUp, time.Minute, 30 * 24 * time.Hour}, {"digest", &o.Digest, 0, time.Second, 24 * time.Hour}} {
		if *d.val == 0 {
			*d.val = d.def
		}
		if *d.val != 0 && (*d.val < d.least || *d.val > d.most) {
			return fmt.Errorf("%s must be between %s and %s, not %s", d.key, d.least, d.most, *d.val)
		}
	}
	return o.Quiet.check()
}

// secrets checks that secrets are somewhere else.
func (o *Output) secrets() error {
	for _, s := range []struct {
		key string
		val Secret
	}{{"url", o.URL}, {"token", o.Token}, {"secret", o.Secret}, {"password", o.Password}} {
		if s.val == "" || s.val.Refers() {
			continue
		}
		if s.key != "url" || o.Type == "slack" || o.Type == "teams" || o.Type == "discord" || o.Type == "shoutrrr" {
			return fmt.Errorf("%s is a secret and must not be in the configuration; write it to a file and use file:PATH, or use env:NAME", s.key)
		}
		u, err := url.Parse(string(s.val))
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return fmt.Errorf("url must be https://HOST/PATH, file:PATH or env:NAME")
		}
		if u.User != nil {
			return fmt.Errorf("url contains a user or password; write the URL to a file and use file:PATH")
		}
	}
	return nil
}

// places checks where an output goes.
func (o *Output) places() error {
	switch o.Type {
	case "email":
		if o.TLS == "" {
			o.TLS = "starttls"
		}
		if err := oneOf("tls", o.TLS, mailTLS, false); err != nil {
			return err
		}
		if (o.User == "") != (o.Password == "") {
			return fmt.Errorf("user and password belong together")
		}
		if o.TLS == "none" && o.User != "" {
			return fmt.Errorf("tls: none would send the password in the clear")
		}
		for _, a := range append([]string{o.From}, o.To...) {
			if _, err := mail.ParseAddress(a); err != nil {
				return fmt.Errorf("%q is not an e-mail address", a)
			}
		}
	case "syslog":
		u, err := url.Parse(o.Server)
		if err != nil || !slices.Contains(syslogScheme, u.Scheme) || u.Hostname() == "" || u.Path != "" || u.User != nil {
			return fmt.Errorf("server must be tls://HOST:PORT, tcp://HOST:PORT or udp://HOST:PORT")
		}
		if o.Facility == "" {
			o.Facility = "auth"
		}
		return oneOf("facility", o.Facility, Facilities, false)
	case "sns":
		m := topicARN.FindStringSubmatch(o.Topic)
		if m == nil {
			return fmt.Errorf("topic must be arn:aws:sns:REGION:ACCOUNT:NAME")
		}
		if o.Region == "" {
			o.Region = m[1]
		}
	case "securityhub":
		if !accountID.MatchString(o.Account) {
			return fmt.Errorf("account must have 12 digits; write it in quotes")
		}
	case "file":
		if strings.HasSuffix(o.Path, string(filepath.Separator)) {
			return fmt.Errorf("path must name a file")
		}
	}
	if o.Region != "" && !regionName.MatchString(o.Region) {
		return fmt.Errorf("region %q is not the name of a region, such as eu-central-1", o.Region)
	}
	return nil
}

func (q *Quiet) check() error {
	if reflect.ValueOf(*q).IsZero() {
		return nil
	}
	for _, s := range []string{q.From, q.To} {
		if _, err := time.Parse("15:04", s); err != nil {
			return fmt.Errorf("quiet: from and to must be times of day, as in \"22:00\"")
		}
	}
	if q.From == q.To {
		return fmt.Errorf("quiet: from and to must differ")
	}
	if _, err := time.LoadLocation(q.TimeZone); err != nil {
		return fmt.Errorf("quiet: timezone: %w", err)
	}
	if err := all("quiet: days", q.Days, weekdays); err != nil {
		return err
	}
	return oneOf("quiet: except", q.Except, severities, true)
}

func oneOf(key, value string, of []string, empty bool) error {
	if empty && value == "" || slices.Contains(of, value) {
		return nil
	}
	return fmt.Errorf("%s must be one of %s, not %q", key, strings.Join(of, ", "), value)
}

func all(key string, values, of []string) error {
	for _, v := range values {
		if err := oneOf(key, v, of, false); err != nil {
			return err
		}
	}
	return nil
}

// patterns checks patterns as path.Match reads them.
func patterns(list []string) error {
	for _, p := range list {
		if _, err := path.Match(p, ""); err != nil || p == "" {
			return fmt.Errorf("%q is not a pattern", p)
		}
	}
	return nil
}
