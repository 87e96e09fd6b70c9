package send

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/alert/message"
	"bluetrail/internal/config"
	"bluetrail/internal/detect/rule"
)

// Bounds of syslog messages, in bytes. RFC 5426 lets receivers cut longer datagrams.
const (
	maxLine     = 64 << 10
	maxDatagram = 2 << 10
)

var syslogPorts = map[string]string{"tls": "6514", "tcp": "601", "udp": "514"}

// syslogSeverities are those of RFC 5424, section 6.2.1.
var syslogSeverities = map[rule.Severity]int{rule.Informational: 6, rule.Low: 5, rule.Medium: 4, rule.High: 3, rule.Critical: 2}

type syslog struct {
	o     *Output
	where *url.URL
	trust *tls.Config
	host  string
}

// newSyslog returns a sender of RFC 5424 over TLS (RFC 5425), TCP (RFC 6587, octets
// counted) or UDP (RFC 5426).
func newSyslog(o *Output) (Sender, error) {
	where, err := url.Parse(o.Server)
	if err != nil {
		return nil, err
	}
	trust, err := trusted(o.CA)
	if err != nil {
		return nil, err
	}
	trust.ServerName = where.Hostname()
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "-"
	}
	return &syslog{o, where, trust, ascii(host, 255)}, nil
}

// Send implements Sender. Receivers answer nothing; each batch has a connection of its
// own, so that one that was lost meanwhile is noticed.
func (s *syslog) Send(ctx context.Context, b *message.Batch) (string, error) {
	addr := net.JoinHostPort(s.where.Hostname(), s.where.Port())
	if s.where.Port() == "" {
		addr = net.JoinHostPort(s.where.Hostname(), syslogPorts[s.where.Scheme])
	}
	network := map[string]string{"udp": "udp", "tcp": "tcp", "tls": "tcp"}[s.where.Scheme]
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if until, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(until); err != nil {
			return "", err
		}
	}
	if s.where.Scheme == "tls" {
		t := tls.Client(conn, s.trust)
		if err := t.HandshakeContext(ctx); err != nil {
			return "", err
		}
		conn = t
	}
	for i := range b.Messages {
		line, err := s.line(&b.Messages[i])
		if err != nil {
			return "", err
		}
		if network == "tcp" {
			line = strconv.Itoa(len(line)) + " " + line
		}
		if _, err := conn.Write([]byte(line)); err != nil {
			return "", err
		}
	}
	if err := conn.Close(); err != nil {
		return "", err
	}
	return fmt.Sprintf("written to %s; syslog confirms nothing", s.o.Server), nil
}

// line returns a message as RFC 5424 has it.
func (s *syslog) line(m *message.Message) (string, error) {
	text, err := s.text(m)
	if err != nil {
		return "", err
	}
	severity := message.Severity([]message.Message{*m})
	head := fmt.Sprintf("<%d>1 %s %s bluetrail - %s ", slices.Index(config.Facilities, s.o.Facility)*8+syslogSeverities[severity],
		m.Time.UTC().Format("2006-01-02T15:04:05.000000Z"), s.host, orNil(ascii(string(m.Change), 32)))
	// The number is the one that IANA keeps for examples; bluetrail has none.
	head += fmt.Sprintf(`[bluetrail@32473 id="%s" severity="%s"`, param(m.Key), severity)
	if a := m.Alert; a != nil {
		head += fmt.Sprintf(` alert="%s" rule="%s" entity="%s" account="%s"`, param(a.ID), param(a.Rule), param(a.Entity), param(strings.Join(a.Account, ",")))
	}
	most := maxLine
	if s.where.Scheme == "udp" {
		most = maxDatagram
	}
	head += "] \ufeff" // says that the text is UTF-8
	return head + message.Clip(text, max(64, most-len(head))), nil
}

func (s *syslog) text(m *message.Message) (string, error) {
	if s.o.Format != "text" {
		data, err := document(s.o.Format, &message.Batch{Key: m.Key, Messages: []message.Message{*m}}, m.Time)
		return string(data), err
	}
	title, text, err := s.o.both(&message.Batch{Messages: []message.Message{*m}}, message.Plain, message.Plain)
	return title + "; " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "; "), err
}

var paramEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`)

// param writes a value of structured data, RFC 5424, section 6.3.3.
func param(s string) string { return paramEscapes.Replace(message.Clip(message.Plain(s), 256)) }

// ascii keeps the printable ASCII of a text.
func ascii(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), most)]
}

func orNil(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
