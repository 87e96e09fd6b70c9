package config

import (
	"cmp"
	"fmt"
	"net"
	"regexp"
	"strings"
)

// Receiver is a source to which clients send.
type Receiver struct {
	Listen     string  `yaml:"listen"` // HOST:PORT; sources may share it. "" = see address
	ListenTLS  TLS     `yaml:"tls"`
	AllowPlain bool    `yaml:"allow_plain"`  // Listen may be reached from other machines without TLS
	Path       string  `yaml:"path"`         // of KindHTTP; "" = DefaultPath
	Tokens     []Token `yaml:"tokens"`       // who may send
	QueryToken bool    `yaml:"query_token"`  // ?token= is accepted, too; addresses end up in logs
	Reply      string  `yaml:"reply"`        // when a client is told that its events came: see Replies
	MaxBodyMiB int     `yaml:"max_body_mib"` // of one request, as sent and unpacked; 0 = DefaultMaxBody
	QueueMiB   int     `yaml:"queue_mib"`    // of all requests that are not read yet; 0 = DefaultQueue
}

// Token lets a client send.
type Token struct {
	Name       string   `yaml:"name"`
	Token      Secret   `yaml:"token"`      // file:PATH or env:NAME
	Index      string   `yaml:"index"`      // of events that name none; "" = that of the source
	Indexes    []string `yaml:"indexes"`    // others that events may name; * = any
	Sourcetype string   `yaml:"sourcetype"` // of events that name none; "" = that of the source
	Source     string   `yaml:"source"`     // likewise; "" = http:NAME
	Host       string   `yaml:"host"`       // likewise; "" = that of the source
	Ack        bool     `yaml:"ack"`        // HEC: clients ask whether events are durable, and need a channel
	Disabled   bool     `yaml:"disabled"`
}

// When a client is told that its events came.
const (
	ReplyDurable  = "durable"  // once they are on disk; the default
	ReplyReceived = "received" // at once: a crash may lose what was not on disk yet
)

// Defaults of Receiver.
const (
	DefaultHECAddr  = "127.0.0.1:8088" // Splunk's port
	DefaultHTTPAddr = "127.0.0.1:8087"
	DefaultPath     = "/events"
	DefaultMaxBody  = 64
	DefaultQueue    = 256
	mostBody        = 1 << 10
)

func (r *Receiver) address(kind string) string {
	if kind == KindHEC {
		return cmp.Or(r.Listen, DefaultHECAddr)
	}
	return cmp.Or(r.Listen, DefaultHTTPAddr)
}

func (r *Receiver) path() string { return cmp.Or(r.Path, DefaultPath) }

// Received returns the settings of a source of KindHEC or KindHTTP with its defaults.
func (s *Source) Received() Receiver {
	r := s.Receiver
	r.Listen = r.address(s.KindOf())
	r.Path = r.path()
	r.Reply = cmp.Or(r.Reply, ReplyDurable)
	r.MaxBodyMiB = cmp.Or(r.MaxBodyMiB, DefaultMaxBody)
	r.QueueMiB = cmp.Or(r.QueueMiB, max(DefaultQueue, 2*r.MaxBodyMiB))
	return r
}

var indexName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)

// ValidIndex reports whether events may be put into an index of this name by clients.
func ValidIndex(name string) bool { return len(name) <= 80 && indexName.MatchString(name) }

func checkHEC(s *Source) error {
	if s.Receiver.Path != "" {
		return fmt.Errorf("a source of kind hec has no path: Splunk's protocol has its own")
	}
	return s.checkReceiver()
}

func checkHTTP(s *Source) error {
	if p := s.Receiver.path(); !strings.HasPrefix(p, "/") || strings.ContainsAny(p, "{}? #") || strings.HasPrefix(p+"/", "/services/") {
		return fmt.Errorf("path %q: expected a path such as /events, outside of /services", p)
	}
	for _, t := range s.Receiver.Tokens {
		if t.Ack {
			return fmt.Errorf("token %q: ack belongs to kind hec", t.Name)
		}
	}
	return s.checkReceiver()
}

func (s *Source) checkReceiver() error {
	r := &s.Receiver
	if _, _, err := net.SplitHostPort(r.address(s.KindOf())); err != nil {
		return fmt.Errorf("listen must be HOST:PORT: %w", err)
	}
	switch {
	case r.ListenTLS.SelfSigned && r.ListenTLS.Cert != "":
		return fmt.Errorf("tls: use cert and key, or self_signed")
	case (r.ListenTLS.Cert == "") != (r.ListenTLS.Key == ""):
		return fmt.Errorf("tls: cert and key belong together")
	case r.Reply != "" && r.Reply != ReplyDurable && r.Reply != ReplyReceived:
		return fmt.Errorf("reply must be %s or %s, not %q", ReplyDurable, ReplyReceived, r.Reply)
	case r.MaxBodyMiB < 0 || r.MaxBodyMiB > mostBody:
		return fmt.Errorf("max_body_mib must be between 1 and %d, not %d", mostBody, r.MaxBodyMiB)
	case r.QueueMiB != 0 && (r.QueueMiB < s.Received().MaxBodyMiB || r.QueueMiB > 64*mostBody):
		return fmt.Errorf("queue_mib must be between max_body_mib (%d) and %d, not %d", s.Received().MaxBodyMiB, 64*mostBody, r.QueueMiB)
	case len(r.Tokens) == 0:
		return fmt.Errorf("it has no tokens: give it tokens with a name and a token each")
	}
	names := map[string]bool{}
	for _, t := range r.Tokens {
		switch {
		case t.Name == "":
			return fmt.Errorf("a token has no name")
		case names[t.Name]:
			return fmt.Errorf("token %q is listed twice", t.Name)
		case !t.Token.Refers():
			return fmt.Errorf("token %q: give the place of the secret, file:PATH or env:NAME", t.Name)
		}
		names[t.Name] = true
		for _, index := range append([]string{t.Index}, t.Indexes...) {
			if index != "" && index != "*" && !ValidIndex(index) {
				return fmt.Errorf("token %q: %q is not an index name: use lower-case letters, digits, - and _, and no _ at the start", t.Name, index)
			}
		}
	}
	return nil
}

// checkReceivers reports sources that share an address and do not fit together.
func (c *Config) checkReceivers() error {
	first := map[string]*Source{}
	for i := range c.Sources {
		s := &c.Sources[i]
		if k := s.KindOf(); k != KindHEC && k != KindHTTP {
			continue
		}
		addr := s.Receiver.address(s.KindOf())
		was := first[addr]
		if was == nil {
			first[addr] = s
			continue
		}
		if was.Receiver.ListenTLS != s.Receiver.ListenTLS || was.Receiver.AllowPlain != s.Receiver.AllowPlain {
			return fmt.Errorf("%q and %q share the address %s, so their tls and allow_plain must be equal", was.Label(), s.Label(), addr)
		}
	}
	return nil
}
