package send

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"slices"
	"strings"
	"testing"

	"bluetrail/internal/config"
)

// mailbox is a server of SMTP with STARTTLS that takes one mail a connection.
type mailbox struct {
	net.Listener
	cert  tls.Certificate
	plain bool   // has no STARTTLS
	deny  string // answer to RCPT, "" = takes everything
	got   chan letter
}

type letter struct {
	encrypted bool
	to        []string
	text      string
}

func newMailbox(t *testing.T) (m *mailbox, ca string) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS() // for its certificate
	cert := s.TLS.Certificates[0]
	_, ca, _ = server(t, 200, "")
	s.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m = &mailbox{Listener: l, cert: cert, got: make(chan letter, 8)}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			m.serve(conn)
		}
	}()
	return m, ca
}

func (m *mailbox) serve(conn net.Conn) {
	defer func() { conn.Close() }()
	r := bufio.NewReader(conn)
	say := func(format string, args ...any) { fmt.Fprintf(conn, format+"\r\n", args...) }
	say("220 test")
	var l letter
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		switch verb := strings.ToUpper(strings.Fields(line + " x")[0]); verb {
		case "EHLO":
			if m.plain || l.encrypted {
				say("250 test")
				continue
			}
			say("250-test\r\n250 STARTTLS")
		case "STARTTLS":
			say("220 go")
			t := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{m.cert}})
			conn, r, l.encrypted = t, bufio.NewReader(t), true
		case "RCPT":
			if m.deny != "" {
				say("%s", m.deny)
				continue
			}
			l.to = append(l.to, strings.TrimSpace(line))
			say("250 ok")
		case "DATA":
			say("354 go")
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				l.text += line
			}
			m.got <- l
			say("250 ok")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// TestEmail sends to a server: the attack adds no header, no recipient and no command,
// and the mail is encrypted.
func TestEmail(t *testing.T) {
	m, ca := newMailbox(t)
	o := config.Output{Type: "email", Server: m.Addr().String(), TLS: "starttls", CA: ca, From: "bluetrail@example.com", To: []string{"soc@example.com"}}
	for name, b := range batches() {
		if _, err := opened(t, o).Send(t.Context(), b); err != nil {
			t.Fatal(name, err)
		}
		l := <-m.got
		if !l.encrypted || !slices.Equal(l.to, []string{"RCPT TO:<soc@example.com>"}) {
			t.Errorf("%s: %v %v", name, l.encrypted, l.to)
		}
		mail, err := mail.ReadMessage(strings.NewReader(l.text))
		if err != nil {
			t.Fatal(err)
		}
		for key := range mail.Header {
			if !slices.Contains([]string{"Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To", "User-Agent", "X-Bluetrail-Id", "X-Mailer"}, key) {
				t.Errorf("%s: header %s", name, key)
			}
		}
		if got := mail.Header.Get("Message-Id"); got != "<"+b.Key+"@bluetrail>" {
			t.Error(got)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(mail.Header.Get("Subject"))
		if err != nil || !strings.HasPrefix(subject, "[bluetrail] ") || len([]rune(subject)) > 220 {
			t.Errorf("%s: %q, %v", name, subject, err)
		}
		if !strings.HasPrefix(mail.Header.Get("Content-Type"), "text/plain") {
			t.Error(mail.Header)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(mail.Body))
		if err != nil {
			t.Fatal(err)
		}
		harmless(t, []string{subject, strings.ReplaceAll(string(body), "\r\n", "\n")})
		for line := range strings.Lines(l.text) {
			if len(line) > 998 {
				t.Errorf("%s: a line of %d bytes", name, len(line))
			}
		}
	}
}

// TestEmailRefused: a server without encryption gets nothing, and what it says decides
// whether the mail is sent again.
func TestEmailRefused(t *testing.T) {
	m, ca := newMailbox(t)
	o := config.Output{Type: "email", Server: m.Addr().String(), TLS: "starttls", CA: ca, From: "a@example.com", To: []string{"b@example.com"}}
	for deny, final := range map[string]bool{"550 no such user\x1b": true, "451 try later": false} {
		m.deny = deny
		_, err := opened(t, o).Send(t.Context(), batches()["one"])
		f, ok := err.(*Failure)
		if !ok || f.Final != final || strings.Contains(f.Reason, "\x1b") {
			t.Errorf("%q: %v", deny, err)
		}
	}
	m.deny, m.plain = "", true
	if _, err := opened(t, o).Send(t.Context(), batches()["one"]); err == nil || !strings.Contains(err.Error(), "STARTTLS") {
		t.Error(err)
	}
	m.plain, o.CA = false, ""
	if _, err := opened(t, o).Send(t.Context(), batches()["one"]); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Error(err)
	}
	if len(m.got) > 0 {
		t.Error("a mail was sent")
	}
}
